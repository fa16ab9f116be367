// Shuffle the painting's tiles: how far each layer's Gram matrix moves, beside a mirror image and another painting.

import { ask, draw, gramOf, make } from "./lens.js";

const LAYERS = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"];

export class Puzzle {
  constructor(section, seen) {
    Object.assign(this, { seen, state: {}, seed: 0 });
    this.canvas = section.querySelector("canvas");
    this.table = section.querySelector("tbody");
    this.other = section.querySelector(".other");
    this.select = section.querySelector("select");
    section.querySelector("button").addEventListener("click", () => this.shuffle());
    this.select.addEventListener("change", () => this.shuffle());
  }

  async begin(role) {
    if (role !== "style" && this.grams) return;
    const { layers, pictures, other } = this.seen;
    this.grams = gramsOf(layers.style);
    const mirrored = await ask("activations", { picture: mirror(pictures.style) });
    this.controls = { mirror: this.#changes(mirrored.layers), other: this.#changes(await other.layers) };
    this.other.textContent = other.name;
    await this.shuffle();
  }

  async shuffle() {
    this.seed += 1;
    const mixed = shuffled(this.seen.pictures.style, Number(this.select.value), this.seed);
    draw(this.canvas, mixed);
    const { layers } = await ask("activations", { picture: mixed });
    const changes = { shuffled: this.#changes(layers), ...this.controls };
    const most = Math.max(...Object.values(changes).flatMap(Object.values));
    this.table.replaceChildren(...LAYERS.map((name) => row(name, changes, most)));
    this.state = { tile: Number(this.select.value), changes, planes: mixed.planes };
  }

  #changes(layers) {
    const grams = gramsOf(layers);
    return Object.fromEntries(LAYERS.map((name) => [name, relative(grams[name], this.grams[name])]));
  }
}

function row(name, changes, most) {
  const cells = ["shuffled", "mirror", "other"].map((kind) => {
    const bar = make("span", { className: `bar ${kind}` });
    bar.style.setProperty("--share", changes[kind][name] / most);
    return make("td", {}, bar, make("span", { textContent: changes[kind][name].toFixed(3) }));
  });
  return make("tr", {}, make("th", { scope: "row", textContent: name }), ...cells);
}

function gramsOf(layers) {
  return Object.fromEntries(LAYERS.map((name) => [name, gramOf(layers[name])]));
}

/** Σ (G − A)² / Σ A², the style loss of one layer. */
function relative(gram, target) {
  let [error, size] = [0, 0];
  target.forEach((value, i) => {
    error += (gram[i] - value) ** 2;
    size += value ** 2;
  });
  return error / size;
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
  return moved(picture, (x, y) => {
    const [column, line] = [Math.floor(x / side), Math.floor(y / side)];
    if (column >= across || line >= down) return [x, y];
    const from = order[line * across + column];
    return [(from % across) * side + (x % side), Math.floor(from / across) * side + (y % side)];
  });
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
