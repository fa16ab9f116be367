// The evaluator: the loss of a picture against its terms, and the gradient. It runs the graphs of graph.js.
//
// Terms are {content: {picture, layer, weight}, style: {picture, layers, weight}, convention}; one of the two may be
// null. Pictures are {planes, width, height}. The same as stylelib's Content and Style with the Gram matrix.

import { evaluationGraph, layerSizes, targetGraph } from "./graph.js";

const OPTIONS = { graphOptimizationLevel: "all", logSeverityLevel: 3 };

/** Computes the targets of pictures of any size, for one choice of layers. */
export class Targets {
  static async make(runtime, network, layers) {
    const session = await runtime.session(targetGraph(network, layers), OPTIONS);
    return new Targets(runtime, session, network);
  }

  constructor(runtime, session, network) {
    Object.assign(this, { runtime, session, network });
  }

  /** The activations of the content layer for a picture, as a Float32Array. */
  async content(picture) {
    const { content } = await this.session.run({ image: this.runtime.picture(picture) }, ["content"]);
    return this.runtime.values(content);
  }

  /** {layer: Gram matrix per position} of a picture. */
  async grams(picture, layers) {
    const sizes = layerSizes(this.network.layers, picture.height, picture.width);
    const names = layers.map((layer) => `gram ${layer}`);
    const found = await this.session.run({ image: this.runtime.picture(picture) }, names);
    const entries = layers.map(async (layer) => {
      const [rows, columns] = sizes[layer];
      const products = await this.runtime.values(found[`gram ${layer}`]);
      return [layer, products.map((value) => value / (rows * columns))];
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  release() {
    return this.session.release();
  }
}

/** Evaluates pictures of one size. */
export class Evaluator {
  static async make(runtime, network, targets, terms, width, height) {
    const { content, style } = terms;
    const chosen = { contentLayer: content?.layer ?? null, styleLayers: style?.layers ?? [] };
    const about = (name) => network.layers.find((layer) => layer.name === name);
    const sizes = layerSizes(network.layers, height, width);
    const parts = [];
    if (content) {
      const target = await targets.content(content.picture);
      const [rows, columns] = sizes[content.layer];
      const { filters } = about(content.layer);
      const factor = factorOf(terms.convention, target, filters * rows * columns, 1);
      const feed = ["content", runtime.tensor(target, [1, filters, rows, columns])];
      parts.push({ name: `content ${content.layer}`, role: "content", share: 1, factor, feed, error: "content error" });
      parts.at(-1).pull = ["pull content", 2 * factor];
    }
    const grams = style ? await targets.grams(style.picture, style.layers) : {};
    for (const [layer, target] of Object.entries(grams)) {
      const { filters } = about(layer);
      const [rows, columns] = sizes[layer];
      const factor = factorOf(terms.convention, target, filters ** 2, 2);
      const feed = [`gram ${layer}`, runtime.tensor(target, [filters, filters])];
      const share = 1 / style.layers.length;
      parts.push({ name: `style ${layer}`, role: "style", share, factor, feed, error: `error ${layer}` });
      parts.at(-1).pull = [`pull ${layer}`, (4 * factor) / (rows * columns)];
    }
    const session = await runtime.session(evaluationGraph(network, { ...chosen, height, width }), OPTIONS);
    const evaluator = new Evaluator();
    Object.assign(evaluator, { runtime, session, parts, width, height });
    evaluator.weights = { content: content?.weight, style: style?.weight };
    return evaluator;
  }

  /** Return {loss, losses, gradient} for a picture's planes. */
  async evaluate(planes) {
    const { runtime, parts, weights, width, height } = this;
    const feeds = { image: runtime.picture({ planes, width, height }) };
    for (const { feed, pull, role, share } of parts) {
      feeds[feed[0]] = feed[1];
      feeds[pull[0]] = runtime.tensor(Float32Array.of(weights[role] * share * pull[1]), [1]);
    }
    const found = await this.session.run(feeds);
    const losses = {};
    for (const { name, role, share, factor, error } of parts) {
      const errors = await runtime.values(found[error]);
      losses[name] = weights[role] * share * factor * sum(errors);
    }
    const gradient = await runtime.values(found.gradient);
    return { loss: sum(Object.values(losses)), losses, gradient };
  }

  release() {
    return this.session.release();
  }
}

/**
 * The constant in front of a sum of squares, as in stylelib/losses.py. In the printed convention it is 1/2 for the
 * content, and 1/4 of 1 / count for a Gram matrix per position.
 */
function factorOf(convention, target, count, degree) {
  if (convention === "relative") return 1 / Math.max(1e-20, target.reduce((total, value) => total + value * value, 0));
  if (convention === "mean") return 1 / count;
  return degree === 1 ? 1 / 2 : 1 / (4 * count);
}

function sum(values) {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
