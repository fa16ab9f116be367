// Walk the content layer: noise becomes a picture in which one layer answers as it does to the photograph.

import { ask, draw } from "./lens.js";

const LAYERS = ["conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"];
const STEPS = 50;

export class Reconstruction {
  constructor(section, seen) {
    Object.assign(this, { seen, state: {}, kept: {}, number: 0 });
    [this.photograph, this.canvas] = section.querySelectorAll("canvas");
    this.slider = section.querySelector("input");
    this.output = section.querySelector("output");
    this.words = section.querySelector(".words");
    this.button = section.querySelector("button");
    this.slider.addEventListener("input", () => this.#walk());
    this.button.addEventListener("click", () => this.#compute());
  }

  begin(role) {
    if (role !== "content" && this.state.layer) return;
    this.kept = {};
    draw(this.photograph, this.seen.pictures.content);
    this.#walk(false);
  }

  get layer() {
    return LAYERS[this.slider.value];
  }

  /** Show what is kept of the chosen layer; if there is nothing, compute it. */
  #walk(compute = true) {
    this.output.textContent = this.layer;
    const kept = this.kept[this.layer];
    if (kept) this.#show(kept);
    else if (compute) this.#compute();
    else this.#wait();
  }

  async #compute() {
    const { layer, seen } = this;
    const number = (this.number += 1);
    const picture = seen.pictures.content;
    const made = await ask("reconstruct", { picture, layer, steps: STEPS }, (report) => number === this.number && this.#show(report));
    if (made.finished && number === this.number && picture === seen.pictures.content) this.#show((this.kept[layer] = { ...made, done: true }));
  }

  #show({ layer, number, loss, planes, done = false }) {
    const { width, height } = this.seen.pictures.content;
    draw(this.canvas, { planes, width, height });
    this.words.textContent = `${layer}, step ${number} of ${STEPS}: error ${loss.toPrecision(2)}. An error of 1 is that of a picture without any answer.`;
    this.state = { layer, number, loss, done, planes };
  }

  #wait() {
    this.words.textContent = "Press the button, or move the slider, to begin from noise.";
    this.state = { layer: this.layer, number: 0 };
  }
}
