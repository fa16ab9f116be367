// Touch a place: how much of the photograph each layer sees there, and which of its filters are most active.

import { bar, choosePlace, draw, drawMap, enlarge, frame, make, mapOf, MARK, pictureElement } from "./lens.js";

const STRONGEST = 5;
const SCALE = 6; // canvas pixels for each of the photograph's

export class Fields {
  needs = ["content"];
  state = {};

  constructor(section, seen) {
    this.seen = seen;
    this.canvas = section.querySelector(".photograph");
    this.rows = section.querySelector(".rows");
    this.words = section.querySelector("[role=status]");
    this.go = choosePlace(this.canvas, () => [32, 32], (x, y) => this.show(x, y));
  }

  begin() {
    this.go(0.45, 0.35);
  }

  show(x, y) {
    const { pictures, layers, network, styleLayers } = this.seen;
    const { width, height } = pictures.content;
    const place = [Math.floor(x * width), Math.floor(y * height)];
    const found = styleLayers.map((name) => strongest(name, layers.content[name], network, place, width, height));
    draw(this.canvas, pictures.content);
    const context = enlarge(this.canvas, SCALE);
    for (const layer of [...found].reverse()) outline(context, layer);
    this.rows.replaceChildren(...found.map(row));
    this.words.textContent = `The place is ${place[0]} px from the left and ${place[1]} px from the top, of ${width} × ${height} px.`;
    const entries = found.map(({ name, filters, field, position }) => [name, { filters, field, position }]);
    this.state = { place, layers: Object.fromEntries(entries) };
  }
}

/** The filters that are most active at a place, and the square of the photograph that they see. */
function strongest(name, activations, network, [x, y], width, height) {
  const { stride, receptive_field: side } = network.layers.find((layer) => layer.name === name);
  const { filters, rows, columns, values } = activations;
  const [column, row] = [Math.min(columns - 1, Math.floor(x / stride)), Math.min(rows - 1, Math.floor(y / stride))];
  const all = Array.from({ length: filters }, (_, filter) => ({ filter, value: values[(filter * rows + row) * columns + column] }));
  all.sort((a, b) => b.value - a.value);
  const [left, top] = [column, row].map((index) => index * stride + stride / 2 - side / 2);
  const whole = left <= 0 && top <= 0 && left + side >= width && top + side >= height;
  return { name, activations, position: [column, row], filters: all.slice(0, STRONGEST), field: { left, top, side, whole } };
}

/** Draw the square that a layer sees; the larger ones have the layer's name. */
function outline(context, { name, field: { left, top, side } }) {
  frame(context, left * SCALE, top * SCALE, side * SCALE, side * SCALE, 3);
  if (side < 20) return;
  context.font = "600 28px system-ui, sans-serif";
  const [x, y] = [Math.max(left * SCALE, 0) + 8, Math.max(top * SCALE, 0) + 30];
  Object.assign(context, { strokeStyle: "white", lineWidth: 6, lineJoin: "round", fillStyle: MARK });
  context.strokeText(name, x, y);
  context.fillText(name, x, y);
}

function row({ name, field, filters, activations, position }) {
  const most = Math.max(filters[0].value, 1e-9);
  const bars = filters.map(({ filter, value }) => make(
    "li", {}, bar(value / most), make("span", { textContent: `filter ${filter}` }), make("span", { textContent: value.toFixed(1) }),
  ));
  const { rows, columns } = activations;
  const map = pictureElement(`Map of filter ${filters[0].filter} of ${name}`, "small");
  drawMap(map, mapOf(activations, filters[0].filter), columns, rows);
  const scale = Math.ceil(256 / columns);
  const side = Math.max(scale, 12);
  const [x, y] = position.map((index) => (index + 0.5) * scale - side / 2);
  frame(enlarge(map, scale, false), x, y, side, side, 3);
  const words = field.whole ? "whole picture" : `${field.side} × ${field.side} px`;
  return make("div", { className: "layer-row" }, make("p", {}, make("strong", { textContent: name }), make("br"), words), make("ol", {}, ...bars), map);
}
