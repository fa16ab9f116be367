// The drawing of the network: a box for each layer, as high as its maps are large. The upper half of a box chooses it for
// the content, the lower half for the style.

const HEIGHTS = [132, 112, 94, 78, 64]; // pixels, by block
const WORDS = { content: "content", style: "style" };

export class NetworkDrawing {
  /** onChange is called with {content_layer, style_layers}; content_layer may be null. */
  constructor(container, onChange) {
    Object.assign(this, { container, onChange });
    container.addEventListener("change", ({ target }) => this.#changed(target));
    container.addEventListener("pointerover", ({ target }) => this.#describe(target));
    container.addEventListener("focusin", ({ target }) => this.#describe(target));
  }

  /** Draw a network with some layers chosen. */
  show(network, contentLayer, styleLayers) {
    this.network = network;
    const blocks = Object.groupBy?.(network.layers, blockOf) ?? grouped(network.layers);
    this.container.replaceChildren(...Object.entries(blocks).map(([block, layers]) => this.#block(block, layers)));
    for (const input of this.#inputs()) {
      const chosen = input.dataset.role === "content" ? [contentLayer] : styleLayers;
      input.checked = chosen.includes(input.value);
    }
    this.#count();
  }

  #block(block, layers) {
    const element = document.createElement("div");
    element.className = "block";
    element.style.flexGrow = layers.length;
    element.append(...layers.map((layer) => this.#layer(layer, HEIGHTS[block - 1])));
    return element;
  }

  #layer(layer, height) {
    const element = document.createElement("div");
    element.className = "layer";
    element.dataset.layer = layer.name;
    const box = document.createElement("div");
    box.className = "box";
    box.style.height = `${height}px`;
    box.append(...["content", "style"].map((role) => half(layer.name, role)));
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = layer.name.replace("conv", "");
    name.ariaHidden = "true";
    element.append(box, name);
    return element;
  }

  #inputs() {
    return [...this.container.querySelectorAll("input")];
  }

  #chosen(role) {
    return this.#inputs().filter((input) => input.dataset.role === role && input.checked);
  }

  #changed(input) {
    if (input.dataset.role === "content" && input.checked)
      for (const other of this.#chosen("content")) if (other !== input) other.checked = false;
    if (!this.#chosen("content").length && !this.#chosen("style").length) {
      input.checked = true; // something has to be compared
      this.onRefused?.("At least one layer has to be chosen.");
      return;
    }
    this.#count();
    const [content] = this.#chosen("content");
    this.onChange({ content_layer: content?.value ?? null, style_layers: this.#chosen("style").map(({ value }) => value) });
  }

  /** Layers behind the deepest chosen one are not computed, and are drawn so. */
  #count() {
    const names = this.network.layers.map(({ name }) => name);
    const chosen = [...this.#chosen("content"), ...this.#chosen("style")].map(({ value }) => names.indexOf(value));
    const deepest = Math.max(...chosen);
    for (const element of this.container.querySelectorAll(".layer"))
      element.classList.toggle("unused", names.indexOf(element.dataset.layer) > deepest);
  }

  #describe(target) {
    const name = target.closest?.(".layer")?.dataset.layer;
    const layer = this.network?.layers.find((one) => one.name === name);
    if (!layer) return;
    const { filters, stride, receptive_field: field } = layer;
    this.onDescribe?.(`${name}: ${filters} filters; one position every ${stride} px, each sees ${field} × ${field} px`);
  }
}

function half(layer, role) {
  const label = document.createElement("label");
  label.className = `half ${role}`;
  const input = document.createElement("input");
  input.type = "checkbox";
  input.value = layer;
  input.dataset.role = role;
  input.setAttribute("aria-label", `${layer} for the ${WORDS[role]}`);
  label.append(input);
  return label;
}

function blockOf({ name }) {
  return Number(name.match(/^conv(\d+)_/)[1]);
}

function grouped(layers) {
  const blocks = {};
  for (const layer of layers) (blocks[blockOf(layer)] ??= []).push(layer);
  return blocks;
}
