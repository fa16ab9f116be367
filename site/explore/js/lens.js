// What the sections share: the worker as a function that answers, the pictures, and drawing them.

import { decode, planesOf } from "../../live/js/pictures.js";
import { fit } from "../../live/js/resample.js";

export const SIZE = 128; // pixels of a picture's longer side, everywhere on this page
export const MARK = "#d55e00"; // the colour of what the visitor has chosen
const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const waiting = new Map(); // {id: {resolve, reject}}
let last = 0;

worker.onmessage = ({ data: { id, failed, ...answer } }) => {
  const { resolve, reject } = waiting.get(id);
  waiting.delete(id);
  if (failed) reject(new Error(failed));
  else resolve(answer);
};
worker.onerror = () => {
  for (const { reject } of waiting.values()) reject(new Error("The page could not start its worker; load it again."));
  waiting.clear();
};

/** Ask the worker; returns its answer. */
export function ask(kind, question = {}) {
  const id = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, kind, ...question });
  });
}

/** A picture from a file, as {planes, width, height}, at this page's size. */
export async function pictureIn(file) {
  return fit(planesOf((await decode(file)).bitmap), SIZE);
}

/** Draw planes of 0 to 1 on a canvas. */
export function draw(canvas, { planes, width, height }) {
  const count = width * height;
  paint(canvas, width, height, (i) => [planes[i], planes[count + i], planes[2 * count + i]]);
}

/** Draw one map in grey, white where it is largest. */
export function drawMap(canvas, map, width, height) {
  const most = largest(map) || 1;
  paint(canvas, width, height, (i) => Array(3).fill(map[i] / most));
}

/** Draw a canvas of some width and height; colourAt gives the three values from 0 to 1 of the i-th pixel. */
export function paint(canvas, width, height, colourAt) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const colour = colourAt(i);
    for (let part = 0; part < 3; part++) image.data[4 * i + part] = 255 * colour[part];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** Make a canvas several times as large, so that fine lines can be drawn on it; returns its context. */
export function enlarge(canvas, scale, smooth = true) {
  const { width, height } = canvas;
  const small = make("canvas", { width, height });
  small.getContext("2d").drawImage(canvas, 0, 0);
  Object.assign(canvas, { width: width * scale, height: height * scale });
  const context = canvas.getContext("2d");
  Object.assign(context, { imageSmoothingEnabled: smooth, imageSmoothingQuality: "high" });
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  return context;
}

/** Frame a rectangle with a coloured line on a white one. */
export function frame(context, left, top, width, height, line = 2) {
  for (const [strokeStyle, lineWidth] of [["white", 2 * line], [MARK, line]]) {
    Object.assign(context, { strokeStyle, lineWidth });
    context.strokeRect(left, top, width, height);
  }
}

/** The map of one filter of a layer's activations. */
export function mapOf({ rows, columns, values }, filter) {
  return values.subarray(filter * rows * columns, (filter + 1) * rows * columns);
}

/** The Gram matrix per position of a layer's activations, row after row. */
export function gramOf(layer) {
  const { filters, rows, columns } = layer;
  const maps = Array.from({ length: filters }, (_, filter) => mapOf(layer, filter));
  const gram = new Float64Array(filters * filters);
  for (let i = 0; i < filters; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < rows * columns; k++) sum += maps[i][k] * maps[j][k];
      gram[i * filters + j] = gram[j * filters + i] = sum / (rows * columns);
    }
  return gram;
}

export function largest(values) {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** An element with some properties and children. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A canvas that people who do not see it know by a sentence. */
export function pictureElement(label, className = "") {
  const canvas = make("canvas", { className });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return canvas;
}

/** A bar behind some text; share is its length, from 0 to 1. */
export function bar(share) {
  const element = make("span", { className: "bar" });
  element.style.setProperty("--share", Math.min(1, share));
  return element;
}

/**
 * A place on a canvas chosen with the mouse, a finger or the arrow keys, which move by one of `steps()` parts: calls
 * onPlace(x, y), from 0 to 1. Returns a function that goes to a place.
 */
export function choosePlace(canvas, steps, onPlace) {
  let place = [0.5, 0.5];
  const go = (x, y) => onPlace(...(place = [x, y].map((value) => Math.min(0.9999, Math.max(0, value)))));
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    go((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  };
  canvas.tabIndex = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    at(event);
  });
  canvas.addEventListener("pointermove", (event) => event.buttons && at(event));
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    const [across, down] = steps();
    go(place[0] + move[0] / across, place[1] + move[1] / down);
  });
  return go;
}
