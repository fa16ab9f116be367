// Touch a place: how much of the photograph each layer sees there, and which of its filters answer most.

import { choosePlace, draw, drawMap, make, mapOf } from "./lens.js";

const LAYERS = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"];
const STRONGEST = 5;

export class Fields {
  constructor(section, seen) {
    Object.assign(this, { seen, state: {} });
    this.canvas = section.querySelector("canvas");
    this.rows = section.querySelector(".rows");
    this.go = choosePlace(this.canvas, () => [32, 32], (x, y) => this.show(x, y));
  }

  begin(role) {
    if (role === "content" || !this.state.layers) this.go(0.45, 0.35);
  }

  show(x, y) {
    const { pictures, layers, network } = this.seen;
    const { width, height } = pictures.content;
    const [column, row] = [Math.floor(x * width), Math.floor(y * height)];
    const found = LAYERS.map((name) => strongest(name, layers.content[name], network, column, row, width, height));
    draw(this.canvas, pictures.content);
    found.forEach((layer, index) => outline(this.canvas, layer, index));
    this.rows.replaceChildren(...found.map((layer) => this.#row(layer)));
    this.state = { place: [column, row], layers: Object.fromEntries(found.map(({ name, filters, field, position }) => [name, { filters, field, position }])) };
  }

  #row({ name, field, filters, activations }) {
    const most = Math.max(filters[0].value, 1e-9);
    const bars = filters.map(({ filter, value }) => {
      const bar = make("span", { className: "bar" });
      bar.style.setProperty("--share", value / most);
      return make("li", {}, bar, make("span", { textContent: `${filter}: ${value.toFixed(1)}` }));
    });
    const map = make("canvas", { className: "small" });
    map.setAttribute("role", "img");
    map.setAttribute("aria-label", `Map of filter ${filters[0].filter} of ${name}`);
    drawMap(map, mapOf(activations, filters[0].filter), activations.columns, activations.rows);
    const words = field.whole ? "sees the whole picture" : `sees ${field.side} × ${field.side} px`;
    return make("div", { className: "layer-row" }, make("p", {}, make("strong", { textContent: name }), make("br"), words), make("ol", {}, ...bars), map);
  }
}

/** The filters that answer most at a place, and the square of the photograph that they see. */
function strongest(name, activations, network, x, y, width, height) {
  const { stride, receptive_field: side } = network.layers.find((layer) => layer.name === name);
  const { filters, rows, columns, values } = activations;
  const [column, row] = [Math.min(columns - 1, Math.floor(x / stride)), Math.min(rows - 1, Math.floor(y / stride))];
  const all = Array.from({ length: filters }, (_, filter) => ({ filter, value: values[(filter * rows + row) * columns + column] }));
  all.sort((a, b) => b.value - a.value);
  const [left, top] = [column, row].map((index) => index * stride + stride / 2 - side / 2);
  const whole = left <= 0 && top <= 0 && left + side >= width && top + side >= height;
  return { name, activations, position: [column, row], filters: all.slice(0, STRONGEST), field: { left, top, side, whole } };
}

function outline(canvas, { field: { left, top, side } }, index) {
  const context = canvas.getContext("2d");
  for (const [colour, width] of [["black", 2], ["white", 1]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width, globalAlpha: 1 - 0.12 * index });
    context.strokeRect(left + 0.5, top + 0.5, side - 1, side - 1);
  }
}
