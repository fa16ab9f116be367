// Walk the content layer: noise becomes a picture in which one layer has the photograph's activations.

import { noise } from "../../live/js/noise.js";
import { ask, draw, make, pictureElement } from "./lens.js";

const LAYERS = ["conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"];
const STEPS = 50;
const PAUSE = 150; // milliseconds before a layer begins, so that the slider can pass it

export class Reconstruction {
  needs = ["content"];
  state = {};
  kept = {}; // {layer: {number, loss, planes, done}}, as far as each has got
  turn = 0; // of the newest run; an older one ends
  going = false;
  working = null; // a promise of the newest run's end

  constructor(section, seen) {
    this.seen = seen;
    for (const name of ["original", "made", "words"]) this[name] = section.querySelector(`.${name}`);
    this.announcer = section.querySelector("[role=status]"); // for those who do not see the page: not at every step
    this.slider = section.querySelector("input");
    this.button = section.querySelector("button");
    this.small = LAYERS.map((layer) => pictureElement(`What is kept of ${layer}`));
    this.places = this.small.map((canvas, i) => make("li", {}, canvas, LAYERS[i]));
    section.querySelector(".kept").append(...this.places);
    this.slider.addEventListener("input", () => this.#go());
    this.button.addEventListener("click", () => {
      if (this.going) this.#pause();
      else this.#go(true);
    });
  }

  begin() {
    this.#pause();
    this.kept = {};
    const { width, height } = this.seen.pictures.content;
    this.start = noise(width, height, 0);
    draw(this.original, this.seen.pictures.content);
    for (const canvas of this.small) Object.assign(canvas, { width, height }); // empty
    this.#show();
  }

  get layer() {
    return LAYERS[this.slider.value];
  }

  /** Show the chosen layer and go on with it, if it is not done; or, if it is wanted, once more. */
  #go(again = false) {
    if (!this.start) return;
    if (again && this.kept[this.layer]?.done) delete this.kept[this.layer];
    this.#pause();
    if (this.kept[this.layer]?.done) return;
    this.going = true;
    this.#show();
    this.#follow(this.working, this.layer, (this.turn += 1));
  }

  #pause() {
    this.turn += 1;
    this.going = false;
    if (this.start) this.#show();
  }

  /** Compute a layer once the run before has ended. */
  #follow(before, layer, turn) {
    const passed = new Promise((resolve) => setTimeout(resolve, PAUSE));
    this.working = Promise.all([before, passed]).then(() => this.#compute(layer, turn)).catch((error) => {
      this.#pause();
      this.seen.say(error.message);
    });
  }

  async #compute(layer, turn) {
    const terms = { content: { picture: this.seen.pictures.content, layer, weight: 1 }, style: null };
    while (turn === this.turn) {
      const before = this.kept[layer];
      const wish = before ? ["advance", { run: layer }] : ["begin", { run: layer, picture: this.start, terms }];
      const { loss, planes, stopped } = await ask(...wish);
      const photograph = terms.content.picture === this.seen.pictures.content;
      if (!photograph) return; // another photograph has been chosen
      const number = before ? before.number + (stopped ? 0 : 1) : 0;
      const done = number === STEPS || Boolean(stopped);
      this.kept[layer] = { number, loss, planes, done };
      draw(this.small[LAYERS.indexOf(layer)], { ...this.start, planes });
      if (done) await ask("end", { run: layer });
      if (turn !== this.turn) return;
      if (done) {
        this.#pause();
        this.announcer.textContent = this.words.textContent;
        return;
      }
      this.#show();
    }
  }

  #show() {
    const { layer, start, going } = this;
    const { number, loss, planes, done } = this.kept[layer] ?? { number: 0, loss: null, planes: start.planes, done: false };
    draw(this.made, { ...start, planes });
    this.words.textContent = loss === null
      ? `${layer}: noise, before the first step`
      : `${layer}, step ${number} of ${STEPS}: content loss ${loss.toPrecision(2)}. It is 1 where the layer sees nothing.`;
    this.slider.setAttribute("aria-valuetext", layer);
    this.places.forEach((place, i) => place.classList.toggle("chosen", LAYERS[i] === layer));
    this.button.textContent = going ? "Pause" : done ? "Again from noise" : number ? "Go on" : "Begin from noise";
    this.state = { layer, number, loss, done, going, planes };
  }
}
