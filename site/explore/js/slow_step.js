// One step of the optimisation, slowly: the picture, its gradient, the step, and the picture after it.

import { ask, draw, paint } from "./lens.js";

const RUN = "transfer";

export class SlowStep {
  needs = ["content", "style"];
  state = {};
  turn = 0; // of the newest pair of pictures; what was computed for an older one is not shown
  busy = false;

  constructor(section, seen) {
    this.seen = seen;
    [this.before, this.gradient, this.strength, this.change, this.after] = section.querySelectorAll("canvas");
    this.words = section.querySelector(".words");
    const [gradient, step, again] = section.querySelectorAll("button");
    gradient.addEventListener("click", () => this.now && !this.busy && this.#show("gradient"));
    step.addEventListener("click", () => this.#attempt(() => this.#step()));
    again.addEventListener("click", () => this.#attempt(() => this.begin()));
  }

  /** The photograph as the start of a transfer. */
  async begin() {
    const turn = (this.turn += 1);
    const { pictures, recipe } = this.seen;
    const terms = {
      content: { picture: pictures.content, layer: recipe.content_layer, weight: recipe.alpha_beta },
      style: { picture: pictures.style, layers: recipe.style_layers, weight: 1 },
    };
    const now = await ask("begin", { run: RUN, picture: pictures.content, terms });
    if (turn !== this.turn) return;
    Object.assign(this, { now, previous: null, number: 0 });
    this.#show("picture");
  }

  async #step() {
    const { turn, now } = this;
    if (!now) return;
    const next = await ask("advance", { run: RUN });
    if (turn !== this.turn) return;
    if (next.stopped) {
      this.words.textContent = `There is no further step: ${next.stopped}.`;
      return;
    }
    Object.assign(this, { now: next, previous: now, number: this.number + 1 });
    this.#show("step");
  }

  async #attempt(act) {
    if (this.busy) return;
    this.busy = true;
    try {
      await act();
    } catch (error) {
      this.seen.say(error.message);
    }
    this.busy = false;
  }

  /** Show one of three stages: the "picture", its "gradient", or the "step" that has been made of it. */
  #show(stage) {
    const { width, height } = this.seen.pictures.content;
    const { now, number } = this;
    const shown = stage === "step" ? this.previous : now;
    draw(this.before, { planes: shown.planes, width, height });
    for (const canvas of [this.gradient, this.strength, this.change, this.after]) Object.assign(canvas, { width, height }); // empty
    if (stage !== "picture") {
      drawSigned(this.gradient, shown.gradient.map((value) => -value), width, height);
      drawStrength(this.strength, shown.gradient, width, height);
    }
    if (stage === "step") {
      drawSigned(this.change, now.planes.map((value, i) => value - shown.planes[i]), width, height);
      draw(this.after, { planes: now.planes, width, height });
    }
    const loss = now.loss.toPrecision(4);
    this.words.textContent = {
      picture: `The picture is the photograph. Its loss is ${loss}, all of it the style’s.`,
      gradient: `${number ? `After step ${number}` : "Before the first step"} the loss is ${loss}. The gradient has one number for each of the ${width} × ${height} × 3 values of the picture.`,
      step: `Step ${number}: the loss falls from ${shown.loss.toPrecision(4)} to ${loss}.`,
    }[stage];
    this.state = { stage, number, loss: now.loss, losses: now.losses, gradient: now.gradient, planes: now.planes };
  }
}

/** Signed values as colours: grey is no change, red is more red, and so on. */
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
