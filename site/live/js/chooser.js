// Choosing a picture: a row of those that come with the page, and a button and a place to drop for one's own.

export class Chooser {
  constructor(card, role, studio, onChosen) {
    Object.assign(this, { card, role, studio, onChosen });
    this.preview = card.querySelector(".preview");
    this.title = card.querySelector(".picture-title");
    this.row = card.querySelector(".row");
    const file = card.querySelector("input[type=file]");
    file.addEventListener("change", () => {
      if (file.files.length) this.chooseFile(file.files[0]);
      file.value = ""; // so that the same file can be chosen again
    });
    this.#fill();
    for (const kind of ["dragenter", "dragover"]) card.addEventListener(kind, () => card.classList.add("target"));
    for (const kind of ["dragleave", "drop"]) card.addEventListener(kind, () => card.classList.remove("target"));
  }

  chooseFile(file) {
    return this.#choose(() => this.studio.chooseFile(this.role, file));
  }

  chooseBundled(name) {
    return this.#choose(() => this.studio.chooseBundled(this.role, name));
  }

  /** Show the picture that is chosen. */
  show() {
    const picture = this.studio.pictures[this.role];
    if (!picture) return;
    this.preview.src = picture.address;
    this.preview.alt = `${this.role === "content" ? "Photograph" : "Painting"}: ${picture.title}`;
    this.title.textContent = picture.title;
    for (const input of this.row.querySelectorAll("input[type=radio]")) input.checked = !picture.own && input.value === picture.name;
  }

  async #choose(choose) {
    try {
      await choose();
    } catch (error) {
      this.studio.say(error.message, "error");
      this.show();
      return;
    }
    this.show();
    this.onChosen();
  }

  #fill() {
    const pictures = this.studio.about.pictures;
    const first = pictures.filter(({ kind }) => kind === this.role); // any picture may be either, but few are useful
    const labels = first.map(({ name, small }) => {
      const label = document.createElement("label");
      label.className = "thumb";
      label.title = name.replaceAll("_", " ");
      const input = Object.assign(document.createElement("input"), { type: "radio", name: this.role, value: name });
      input.setAttribute("aria-label", label.title);
      const image = Object.assign(document.createElement("img"), { src: new URL(small, this.studio.base).href, alt: "", loading: "lazy" });
      label.append(input, image);
      return label;
    });
    this.row.prepend(...labels);
    this.row.addEventListener("change", ({ target }) => target.type === "radio" && this.chooseBundled(target.value));
  }
}

/** Let files be dropped anywhere: on a card, or elsewhere as a photograph, a painting or a recipe. */
export function acceptDrops(choosers, openRecipe, say) {
  const holds = (event) => [...event.dataTransfer.types].includes("Files");
  for (const kind of ["dragover", "dragenter"]) addEventListener(kind, (event) => holds(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    const files = [...event.dataTransfer.files];
    const recipe = files.find(({ name }) => name.toLowerCase().endsWith(".json"));
    if (recipe) return openRecipe(files);
    const card = event.target.closest?.("[data-role]");
    if (files.length === 1 && card) return choosers[card.dataset.role].chooseFile(files[0]);
    if (files.length === 2) {
      choosers.content.chooseFile(files[0]);
      return choosers.style.chooseFile(files[1]);
    }
    say("Drop one picture on the photograph or on the painting, or two pictures at once.", "error");
  });
}
