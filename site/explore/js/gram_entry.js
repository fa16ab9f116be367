// Touch an entry of a Gram matrix: the two filters' maps, where both fire, and the patches where they fire most.

import { choosePlace, draw, drawMap, gramOf, largest, make, mapOf, paint } from "./lens.js";

const SHOWN = 24; // filters of a matrix that are drawn: those with the largest sums of squares
const PATCHES = 4;

export class GramEntry {
  constructor(section, seen) {
    Object.assign(this, { seen, state: {} });
    for (const name of ["matrix", "first", "second", "both"]) this[name] = section.querySelector(`.${name}`);
    this.patches = section.querySelector(".patches");
    this.words = section.querySelector(".words");
    this.select = section.querySelector("select");
    this.select.addEventListener("change", () => this.begin("style"));
    this.go = choosePlace(this.matrix, () => [SHOWN, SHOWN], (x, y) => this.show(Math.floor(y * SHOWN), Math.floor(x * SHOWN)));
  }

  begin(role) {
    if (role !== "style" && this.gram) return;
    this.layer = this.select.value;
    this.activations = this.seen.layers.style[this.layer];
    this.gram = gramOf(this.activations);
    const { filters } = this.activations;
    const energy = (filter) => this.gram[filter * filters + filter];
    this.order = Array.from({ length: filters }, (_, filter) => filter).sort((a, b) => energy(b) - energy(a)).slice(0, SHOWN);
    this.go(3.5 / SHOWN, 0.5 / SHOWN);
  }

  show(row, column) {
    const { filters, rows, columns } = this.activations;
    const [i, j] = [this.order[row], this.order[column]];
    this.#drawMatrix(row, column);
    const maps = [mapOf(this.activations, i), mapOf(this.activations, j)];
    drawMap(this.first, maps[0], columns, rows);
    drawMap(this.second, maps[1], columns, rows);
    const product = maps[0].map((value, k) => value * maps[1][k]);
    this.#drawBoth(product, columns, rows);
    this.#drawPatches(product, columns);
    const entry = this.gram[i * filters + j];
    const most = Math.sqrt(this.gram[i * filters + i] * this.gram[j * filters + j]) || 1;
    this.words.textContent = i === j
      ? `Filter ${i} with itself: ${entry.toFixed(2)}, the mean of its squared answers.`
      : `Filters ${i} and ${j}: ${entry.toFixed(2)}, the mean of the products of their answers; ${(entry / most).toFixed(2)} of what it would be if they always fired together.`;
    this.state = { layer: this.layer, filters: [i, j], entry };
  }

  #drawMatrix(chosenRow, chosenColumn) {
    const { filters } = this.activations;
    const value = (row, column) => Math.sqrt(this.gram[this.order[row] * filters + this.order[column]]);
    const most = value(0, 0) || 1;
    paint(this.matrix, SHOWN, SHOWN, (i) => {
      const share = value(Math.floor(i / SHOWN), i % SHOWN) / most;
      return [1 - 0.99 * share, 1 - 0.55 * share, 1 - 0.3 * share];
    });
    const scale = 12; // so that the frame of the chosen entry is thin
    const small = make("canvas");
    Object.assign(small, { width: SHOWN, height: SHOWN });
    small.getContext("2d").drawImage(this.matrix, 0, 0);
    Object.assign(this.matrix, { width: SHOWN * scale, height: SHOWN * scale });
    const context = this.matrix.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, SHOWN * scale, SHOWN * scale);
    Object.assign(context, { strokeStyle: "#d55e00", lineWidth: 3 });
    context.strokeRect(chosenColumn * scale + 1, chosenRow * scale + 1, scale - 2, scale - 2);
  }

  /** The painting, dark where the two filters do not fire together. */
  #drawBoth(product, columns, rows) {
    const { planes, width, height } = this.seen.pictures.style;
    const most = largest(product) || 1;
    const count = width * height;
    paint(this.both, width, height, (i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      const k = Math.min(rows - 1, Math.floor((y * rows) / height)) * columns + Math.min(columns - 1, Math.floor((x * columns) / width));
      const light = 0.15 + 0.85 * Math.sqrt(product[k] / most);
      return [0, 1, 2].map((colour) => light * planes[colour * count + i]);
    });
  }

  #drawPatches(product, columns) {
    const { stride, receptive_field: field } = this.seen.network.layers.find(({ name }) => name === this.layer);
    const picture = this.seen.pictures.style;
    const whole = make("canvas");
    draw(whole, picture);
    const side = Math.min(field, 48, picture.width, picture.height);
    const places = [...product.keys()].sort((a, b) => product[b] - product[a]);
    const kept = [];
    for (const k of places) {
      const centre = [k % columns, Math.floor(k / columns)].map((index) => (index + 0.5) * stride);
      if (kept.every((other) => Math.hypot(other[0] - centre[0], other[1] - centre[1]) > side / 2)) kept.push(centre);
      if (kept.length === PATCHES) break;
    }
    this.patches.replaceChildren(...kept.map(([x, y], index) => {
      const patch = make("canvas", { width: side, height: side });
      patch.setAttribute("role", "img");
      patch.setAttribute("aria-label", `Part of the painting in which both fire, number ${index + 1}`);
      const [left, top] = [Math.min(Math.max(0, x - side / 2), picture.width - side), Math.min(Math.max(0, y - side / 2), picture.height - side)];
      patch.getContext("2d").drawImage(whole, left, top, side, side, 0, 0, side, side);
      return patch;
    }));
  }
}
