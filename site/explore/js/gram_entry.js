// Touch an entry of a Gram matrix: the two filters' maps, where both are active, and what the painting shows there.

import { choosePlace, draw, drawMap, enlarge, frame, gramOf, largest, make, mapOf, mean, paint, pictureElement } from "./lens.js";

const SHOWN = 24; // filters of a matrix that are drawn: those with the largest sums of squares
const SCALE = 20; // canvas pixels for each entry
const PATCHES = 4;
const [LEAST, MOST] = [24, 64]; // pixels of a patch's side
const ORANGE = [0.84, 0.37, 0];

export class GramEntry {
  needs = ["style"];
  state = {};

  constructor(section, seen) {
    this.seen = seen;
    for (const name of ["matrix", "first", "second", "both", "patches", "words", "about-patches"])
      this[name] = section.querySelector(`.${name}`);
    this.select = section.querySelector("select");
    this.select.append(...seen.styleLayers.map((name) => make("option", { textContent: name })));
    this.select.value = seen.styleLayers[1];
    this.select.addEventListener("change", () => this.begin());
    const size = () => this.order.length;
    this.go = choosePlace(this.matrix, () => [size(), size()], (x, y) => this.show(Math.floor(y * size()), Math.floor(x * size())));
  }

  begin() {
    this.layer = this.select.value;
    this.activations = this.seen.layers.style[this.layer];
    this.gram = gramOf(this.activations);
    this.means = Array.from({ length: this.activations.filters }, (_, filter) => mean(mapOf(this.activations, filter)));
    this.order = this.#chain();
    const [row, column] = this.#mostTogether();
    this.go((column + 0.5) / this.order.length, (row + 0.5) / this.order.length);
  }

  entry(i, j) {
    return this.gram[i * this.activations.filters + j];
  }

  /** How often two filters are active together, compared with maps that have nothing to do with each other. */
  chance(i, j) {
    return this.entry(i, j) / (this.means[i] * this.means[j]);
  }

  show(row, column) {
    const { rows, columns } = this.activations;
    const [i, j] = [this.order[row], this.order[column]];
    this.#drawMatrix(row, column);
    const maps = [mapOf(this.activations, i), mapOf(this.activations, j)];
    [this.first, this.second].forEach((canvas, index) => {
      drawMap(canvas, maps[index], columns, rows);
      canvas.nextElementSibling.textContent = `filter ${[i, j][index]}`;
    });
    const product = maps[0].map((value, k) => value * maps[1][k]);
    const places = this.#places(product, columns);
    this.#drawBoth(product, columns, rows, places);
    this.#drawPatches(places);
    const value = this.entry(i, j).toPrecision(3);
    const times = this.chance(i, j);
    this.words.textContent = i === j
      ? `Filter ${i} with itself: ${value}, the mean of its squared activations.`
      : `Filters ${i} and ${j}: ${value}, the mean of the products of their activations.${Number.isFinite(times) ? ` That is ${times.toPrecision(2)} times what it would be if their places were unrelated.` : ""}`;
    this.state = { layer: this.layer, filters: [i, j], entry: this.entry(i, j), places };
  }

  /** The most active filters in such an order that each stands beside one that is similar to it. */
  #chain() {
    const filters = [...this.means.keys()].sort((a, b) => this.entry(b, b) - this.entry(a, a)).slice(0, SHOWN);
    const likeness = (i, j) => this.entry(i, j) / Math.sqrt(this.entry(i, i) * this.entry(j, j) || 1);
    const chain = [filters.shift()];
    while (filters.length) {
      const next = filters.reduce((best, one) => (likeness(chain.at(-1), one) > likeness(chain.at(-1), best) ? one : best));
      chain.push(...filters.splice(filters.indexOf(next), 1));
    }
    return chain;
  }

  /** The row and the column of the two filters that are active together most, compared with chance. */
  #mostTogether() {
    let best = [0, 1];
    const times = ([row, column]) => this.chance(this.order[row], this.order[column]) || 0;
    for (let row = 0; row < this.order.length; row++)
      for (let column = row + 1; column < this.order.length; column++) if (times([row, column]) > times(best)) best = [row, column];
    return best;
  }

  #drawMatrix(chosenRow, chosenColumn) {
    const side = this.order.length;
    const value = (i) => Math.sqrt(this.entry(this.order[Math.floor(i / side)], this.order[i % side]));
    const most = largest(Array.from({ length: side * side }, (_, i) => value(i))) || 1;
    paint(this.matrix, side, side, (i) => {
      const share = value(i) / most;
      return [1 - share, 1 - 0.62 * share, 1 - 0.36 * share];
    });
    frame(enlarge(this.matrix, SCALE, false), chosenColumn * SCALE, chosenRow * SCALE, SCALE, SCALE, 4);
  }

  /** The centres in the painting of the places where both are most active, apart from each other. */
  #places(product, columns) {
    const { stride } = this.#about();
    const apart = this.#side() / 2;
    const kept = [];
    for (const k of [...product.keys()].sort((a, b) => product[b] - product[a])) {
      const centre = [k % columns, Math.floor(k / columns)].map((index) => (index + 0.5) * stride);
      if (product[k] > 0 && kept.every((other) => Math.hypot(other[0] - centre[0], other[1] - centre[1]) > apart)) kept.push(centre);
      if (kept.length === PATCHES) break;
    }
    return kept;
  }

  #about() {
    return this.seen.network.layers.find(({ name }) => name === this.layer);
  }

  #side() {
    const { width, height } = this.seen.pictures.style;
    return Math.min(Math.max(this.#about().receptive_field, LEAST), MOST, width, height);
  }

  /** The painting in pale grey, orange where both are active. */
  #drawBoth(product, columns, rows, places) {
    const { planes, width, height } = this.seen.pictures.style;
    const most = largest(product) || 1;
    const count = width * height;
    paint(this.both, width, height, (i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      const { stride } = this.#about();
      const k = Math.min(rows - 1, Math.floor(y / stride)) * columns + Math.min(columns - 1, Math.floor(x / stride));
      const grey = 0.4 + 0.6 * (0.3 * planes[i] + 0.6 * planes[count + i] + 0.1 * planes[2 * count + i]);
      const share = Math.sqrt(product[k] / most);
      return ORANGE.map((colour) => (1 - share) * grey + share * colour);
    });
    const context = enlarge(this.both, 3);
    Object.assign(context, { strokeStyle: "black", lineWidth: 2 });
    const side = 3 * Math.min(this.#about().receptive_field, this.#side());
    for (const [x, y] of places) context.strokeRect(3 * x - side / 2, 3 * y - side / 2, side, side);
  }

  #drawPatches(places) {
    const picture = this.seen.pictures.style;
    const field = this.#about().receptive_field;
    const side = this.#side();
    const whole = make("canvas");
    draw(whole, picture);
    this.patches.replaceChildren(...places.map(([x, y], index) => {
      const patch = pictureElement(`Part of the painting where both are active, number ${index + 1}`);
      Object.assign(patch, { width: side, height: side });
      const [left, top] = [Math.min(Math.max(0, x - side / 2), picture.width - side), Math.min(Math.max(0, y - side / 2), picture.height - side)].map(Math.round);
      patch.getContext("2d").drawImage(whole, left, top, side, side, 0, 0, side, side);
      const context = enlarge(patch, 6);
      if (field < side) frame(context, 6 * (x - left - field / 2), 6 * (y - top - field / 2), 6 * field, 6 * field, 2);
      return patch;
    }));
    this["about-patches"].textContent = places.length === 0
      ? "These two are nowhere active together."
      : `What the painting shows where both are most active. ${field <= side ? `A position of ${this.layer} sees ${field} × ${field} px${field < side ? ", which is framed" : ""}.` : `A position of ${this.layer} sees more than that: ${field} × ${field} px.`}`;
  }
}
