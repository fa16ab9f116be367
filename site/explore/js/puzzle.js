// Shuffle the painting's tiles: how far each layer's Gram matrix moves, beside a mirror image and another painting.

import { ask, bar, draw, gramOf, make } from "./lens.js";

export class Puzzle {
  needs = ["style"];
  state = {};
  seed = 0;
  turn = 0; // of the newest painting or shuffle; what was computed for an older one is not shown

  constructor(section, seen) {
    this.seen = seen;
    this.canvas = section.querySelector(".mixed");
    this.table = section.querySelector("tbody");
    this.other = section.querySelector(".other");
    this.count = section.querySelector(".count");
    this.select = section.querySelector("select");
    section.querySelector("button").addEventListener("click", () => this.#attempt());
    this.select.addEventListener("change", () => this.#attempt());
  }

  async begin() {
    const turn = (this.turn += 1);
    this.controls = null;
    const { layers, pictures } = this.seen;
    const [mirrored, other] = await Promise.all([ask("activations", { picture: mirror(pictures.style) }), this.seen.otherPainting()]);
    if (turn !== this.turn) return;
    this.grams = gramsOf(layers.style);
    this.controls = { mirror: this.#changes(mirrored.layers), other: this.#changes(other.layers) };
    this.other.textContent = other.title;
    await this.shuffle();
  }

  async shuffle() {
    if (!this.controls) return; // a new painting is being looked at
    const turn = (this.turn += 1);
    this.seed += 1;
    const tile = Number(this.select.value);
    const { mixed, tiles } = shuffled(this.seen.pictures.style, tile, this.seed);
    draw(this.canvas, mixed);
    const { layers } = await ask("activations", { picture: mixed });
    if (turn !== this.turn) return;
    const changes = { shuffled: this.#changes(layers), ...this.controls };
    this.table.replaceChildren(...this.seen.styleLayers.map((name) => row(name, changes)));
    this.count.textContent = tiles > 1 ? `${tiles} tiles` : "There is only one tile of this size.";
    this.state = { number: this.seed, tile, changes, planes: mixed.planes };
  }

  #attempt() {
    this.shuffle().catch((error) => this.seen.say(error.message));
  }

  #changes(layers) {
    const grams = gramsOf(layers);
    return Object.fromEntries(Object.keys(grams).map((name) => [name, relative(grams[name], this.grams[name])]));
  }
}

function row(name, { shuffled, mirror, other }) {
  const value = (changes) => make("span", { textContent: changes[name] < 0.0001 ? "0.0000" : changes[name].toPrecision(2) });
  return make(
    "tr", {}, make("th", { scope: "row", textContent: name }),
    make("td", {}, bar(other[name] > 0 ? shuffled[name] / other[name] : 0), value(shuffled)),
    make("td", {}, value(mirror)), make("td", {}, value(other)),
  );
}

function gramsOf(layers) {
  return Object.fromEntries(Object.entries(layers).map(([name, layer]) => [name, gramOf(layer)]));
}

/** Σ (G − A)² / Σ A², the style loss of one layer. */
function relative(gram, target) {
  let [error, size] = [0, 0];
  target.forEach((value, i) => {
    error += (gram[i] - value) ** 2;
    size += value ** 2;
  });
  return error / Math.max(size, 1e-20);
}

function mirror(picture) {
  const { width } = picture;
  return moved(picture, (x, y) => [width - 1 - x, y]);
}

/** The picture cut into whole square tiles, which change places. What is left at the right and below stays. */
function shuffled(picture, side, seed) {
  const [across, down] = [Math.floor(picture.width / side), Math.floor(picture.height / side)];
  const order = Array.from({ length: across * down }, (_, index) => index);
  let value = seed;
  for (let last = order.length - 1; last > 0; last--) {
    value = (Math.imul(value, 1664525) + 1013904223) >>> 0;
    const chosen = Math.floor((value / 2 ** 32) * (last + 1));
    [order[last], order[chosen]] = [order[chosen], order[last]];
  }
  const mixed = moved(picture, (x, y) => {
    const [column, line] = [Math.floor(x / side), Math.floor(y / side)];
    if (column >= across || line >= down) return [x, y];
    const from = order[line * across + column];
    return [(from % across) * side + (x % side), Math.floor(from / across) * side + (y % side)];
  });
  return { mixed, tiles: order.length };
}

/** A picture whose pixel (x, y) is another's pixel at `from(x, y)`. */
function moved({ planes, width, height }, from) {
  const made = new Float32Array(planes.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [column, line] = from(x, y);
      for (let colour = 0; colour < 3; colour++) made[(colour * height + y) * width + x] = planes[(colour * height + line) * width + column];
    }
  return { planes: made, width, height };
}
