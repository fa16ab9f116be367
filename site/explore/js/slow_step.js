// One step of the optimisation, slowly: the picture, its gradient, the step, and the picture after it.

import { ask, draw, paint } from "./lens.js";

export class SlowStep {
  constructor(section, seen) {
    Object.assign(this, { seen, state: {}, number: 0 });
    [this.before, this.gradient, this.strength, this.change, this.after] = section.querySelectorAll("canvas");
    this.words = section.querySelector(".words");
    [this.button, this.again] = section.querySelectorAll("button");
    this.button.addEventListener("click", () => this.#step());
    this.again.addEventListener("click", () => this.begin());
  }

  async begin() {
    const { pictures, recipe } = this.seen;
    this.button.disabled = true;
    this.now = await ask("begin", { content: pictures.content, style: pictures.style, recipe });
    this.number = 0;
    this.#show(null);
    this.button.disabled = false;
  }

  async #step() {
    this.button.disabled = true;
    const before = this.now;
    this.now = await ask("advance").catch(() => before);
    this.number += 1;
    this.#show(before);
    this.button.disabled = false;
  }

  /** Show the picture before the last step, its gradient, and what the step has made of it. */
  #show(before) {
    const { width, height } = this.seen.pictures.content;
    const shown = before ?? this.now;
    draw(this.before, { planes: shown.planes, width, height });
    drawSigned(this.gradient, shown.gradient.map((value) => -value), width, height);
    drawStrength(this.strength, shown.gradient, width, height);
    drawSigned(this.change, before ? this.now.planes.map((value, i) => value - before.planes[i]) : new Float32Array(3 * width * height), width, height);
    draw(this.after, { planes: this.now.planes, width, height });
    this.words.textContent = before
      ? `Step ${this.number}: the loss falls from ${before.loss.toPrecision(4)} to ${this.now.loss.toPrecision(4)}.`
      : `Before the first step the loss is ${this.now.loss.toPrecision(4)}; all of it is the style’s, because the picture is the photograph.`;
    this.state = { number: this.number, loss: this.now.loss, gradient: this.now.gradient, planes: this.now.planes };
  }
}

/** Signed values as colours: grey is no change, a brighter red means more red, and so on. */
function drawSigned(canvas, values, width, height) {
  const scale = 3 * Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length) || 1;
  const count = width * height;
  paint(canvas, width, height, (i) => [0, 1, 2].map((colour) => 0.5 + (0.5 * values[colour * count + i]) / scale));
}

/** How strong the gradient is at each pixel: its length over the three colours, white where it is largest. */
function drawStrength(canvas, gradient, width, height) {
  const count = width * height;
  const lengths = Float32Array.from({ length: count }, (_, i) => Math.hypot(gradient[i], gradient[count + i], gradient[2 * count + i]));
  const most = [...lengths].sort((a, b) => a - b)[Math.floor(0.99 * count)] || 1;
  paint(canvas, width, height, (i) => Array(3).fill(lengths[i] / most));
}
