// A run: a picture is optimised against its terms, at one size or from coarse to fine. As in stylelib/synthesis.py and
// stylelib/scales.py: the same sizes, the same number of steps at each, the same rules for stopping.

import { Evaluator } from "./evaluator.js";
import * as lbfgs from "./lbfgs.js";
import { noise } from "./noise.js";
import { clamped, continueFrom, cover, shrink } from "./resample.js";

const LARGEST_STEP = 3; // one size is at most this many times the one before it
const PATIENCE = 20; // steps in which the loss must have fallen
const TOLERANCE = 1e-5; // by more than this fraction of its value

export class Run {
  /**
   * recipe: the values of a stylelib recipe. pictures: {content, style} at full size. targets: computes the targets of
   * the recipe's layers. Nothing is computed yet.
   */
  constructor(recipe, network, pictures, targets) {
    Object.assign(this, { recipe, network, pictures, targets, runtime: targets.runtime });
    const { kind, init, seed } = recipe;
    const model = kind === "style" ? pictures.style : pictures.content;
    this.start = initialPicture(init, pictures, model, seed);
    this.factors = shrinking(Math.max(model.width, model.height), recipe.first_size);
    this.index = 0;
    this.alphaBeta = recipe.alpha_beta;
    this.changes = []; // of α/β so far, [step, value]
    this.planned = new Map(recipe.changes); // those that the recipe still asks for
    this.history = [];
    this.evaluations = 0;
    this.milliseconds = 0; // of all evaluations
    this.stopReason = null;
    this.finished = false;
  }

  get number() {
    return this.history.at(-1)?.number ?? 0;
  }

  get factor() {
    return this.factors[this.index];
  }

  get isLast() {
    return this.index === this.factors.length - 1;
  }

  /** Compute the loss of the initial picture: step 0. */
  async begin() {
    if (this.state) return;
    await this.#goTo(this.#startAt(this.index));
    this.#accept(await this.#firstState(this.parameters));
    if (this.state.evaluation.loss === 0) this.#stop("the initial picture meets every term exactly", true);
  }

  /** Compute one step; return its record, or null if the run is over, and why is in stopReason. */
  async step() {
    await this.begin();
    if (this.planned.has(this.number)) await this.#change(this.planned.get(this.number));
    if (this.finished) return null;
    const { steps } = this.recipe;
    const last = Math.floor((steps * (this.index + 1)) / this.factors.length);
    if (!this.isLast && this.number >= last) await this.#grow();
    if (this.number >= steps) {
      this.#stop(steps === 1 ? "its one step is done" : `all ${steps} steps are done`);
      return null;
    }
    try {
      this.#accept(await lbfgs.step(this.state, (parameters) => this.#evaluate(parameters)));
    } catch (error) {
      if (!(error instanceof lbfgs.NoBetterPicture)) throw error;
      if (!this.isLast) {
        await this.#grow();
        return this.step();
      }
      this.#stop(`${error.message} (after step ${this.number})`, true);
      return null;
    }
    const record = this.history.at(-1);
    if (this.#converged() && !this.isLast) await this.#grow();
    else if (this.#converged())
      this.#stop(`converged, because the loss changed by less than ${TOLERANCE} of its value in ${PATIENCE} steps`, true);
    return record;
  }

  /** Continue from the current picture with another α/β, and forget the changes that the recipe asks for. */
  async changeAlphaBeta(value) {
    this.planned.clear();
    if (value !== this.alphaBeta) await this.#change(value);
  }

  /** The changes of α/β so far, and those that are to come. */
  allChanges() {
    return [...this.changes, ...this.planned];
  }

  /** Continue with another runtime: a GPU instead of the processor, or the other way round. */
  async changeRuntime(targets) {
    Object.assign(this, { targets, runtime: targets.runtime });
    if (this.evaluator) await this.#makeEvaluator();
  }

  /** The picture with the lowest loss so far, at full size. */
  picture() {
    if (!this.best) return this.start;
    return this.#handedOn(this.#made(this.best), this.index, this.factors.length - 1);
  }

  /** The size in pixels at which the picture is computed now. */
  size() {
    const { width, height } = this.#startAt(this.index);
    return [width, height];
  }

  release() {
    return this.evaluator?.release();
  }

  /** L-BFGS starts anew, because the loss is another. Before the first step, it is the recipe's own α/β that changes. */
  async #change(value) {
    this.planned.delete(this.number);
    this.alphaBeta = this.evaluator.weights.content = value;
    this.state = this.best = await this.#firstState(this.state.parameters);
    Object.assign(this, { stopReason: null, finished: false });
    if (this.number > 0) {
      this.changes = [...this.changes.filter(([step]) => step !== this.number), [this.number, value]];
    } else {
      this.recipe = { ...this.recipe, alpha_beta: value };
      this.history = [];
      this.#accept(this.state);
    }
  }

  async #evaluate(parameters) {
    const began = performance.now();
    const evaluation = await this.evaluator.evaluate(parameters);
    this.latest = performance.now() - began;
    this.milliseconds += this.latest;
    this.evaluations += 1;
    return evaluation;
  }

  async #firstState(parameters) {
    const evaluation = await this.#evaluate(parameters);
    if (!lbfgs.isFinite(evaluation)) throw new Error("The loss is not a finite number; choose a smaller α/β.");
    return lbfgs.start(parameters, evaluation);
  }

  #accept(state) {
    this.state = state;
    if (!this.best || state.evaluation.loss < this.best.evaluation.loss) this.best = state;
    const { loss, losses } = state.evaluation;
    const number = this.history.length ? this.number + 1 : 0;
    this.history.push({ number, loss, losses, size: Math.max(...this.size()), evaluations: this.evaluations });
  }

  #converged() {
    const recent = this.history.slice(-PATIENCE - 1).map(({ loss }) => loss);
    return recent.length > PATIENCE && Math.max(...recent) - Math.min(...recent) <= TOLERANCE * Math.abs(recent[0]);
  }

  #stop(reason, finished = false) {
    this.stopReason = reason;
    this.finished = finished;
  }

  async #grow() {
    const made = this.#made(this.best);
    const next = this.#handedOn(made, this.index, this.index + 1);
    this.index += 1;
    await this.#goTo(next);
    this.state = this.best = await this.#firstState(this.parameters);
  }

  async #goTo(picture) {
    this.parameters = picture.planes.slice();
    await this.#makeEvaluator();
  }

  async #makeEvaluator() {
    await this.evaluator?.release();
    this.evaluator = null;
    const { recipe, factor } = this;
    const [width, height] = this.size();
    const content = { picture: shrink(this.pictures.content, factor), layer: recipe.content_layer, weight: this.alphaBeta };
    const style = { picture: shrink(this.pictures.style, factor), layers: recipe.style_layers, weight: 1 };
    if (recipe.kind === "content") content.weight = 1;
    const terms = {
      content: recipe.kind === "style" ? null : content,
      style: recipe.kind === "content" ? null : style,
      convention: recipe.convention,
    };
    this.evaluator = await Evaluator.make(this.runtime, this.network, this.targets, terms, width, height);
  }

  /** The initial picture at one of the sizes. Smaller noise is drawn anew, because shrunk noise would be weaker. */
  #startAt(index) {
    const small = shrink(this.start, this.factors[index]);
    if (this.recipe.init !== "noise" || this.factors[index] === 1 || index > 0) return small;
    return noise(small.width, small.height, this.recipe.seed);
  }

  #made(state) {
    const { width, height } = this.#startAt(this.index);
    return clamped({ planes: state.parameters, width, height });
  }

  #handedOn(made, from, to) {
    if (from === to) return made;
    return continueFrom(made, shrink(this.start, this.factors[from]), shrink(this.start, this.factors[to]), this.recipe.init);
  }
}

/** Each size as a part of the full size, increasing by equal factors of at most LARGEST_STEP; the last is 1. */
export function shrinking(longest, firstSize) {
  if (!(firstSize > 0 && firstSize < longest)) return [1];
  const count = Math.ceil(Math.log(longest / firstSize) / Math.log(LARGEST_STEP) - 1e-9);
  return [...Array.from({ length: count }, (_, index) => (firstSize / longest) ** (1 - index / count)), 1];
}

function initialPicture(init, { content, style }, model, seed) {
  if (init === "noise") return noise(model.width, model.height, seed);
  if (init === "style" && model === content) return cover(style, content.width, content.height);
  return init === "style" ? style : content;
}
