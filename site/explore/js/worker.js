// The worker of the explorables: it holds the network and computes activations, losses and steps.
//
// A question {id, kind, …} gets an answer {id, …}; a reconstruction reports each of its steps before its answer.

import { Evaluator, Targets } from "../../live/js/evaluator.js";
import { activationsGraph } from "../../live/js/graph.js";
import { NoBetterPicture, start, step } from "../../live/js/lbfgs.js";
import { noise } from "../../live/js/noise.js";
import { Runtime } from "../../live/js/runtime.js";
import { loadNetwork } from "../../live/js/weights.js";

const OPTIONS = { graphOptimizationLevel: "all", logSeverityLevel: 3 };
let network = null;
let runtime = null;
let forward = null; // the session of all layers' activations
let transfer = null; // {evaluator, state}: the one step that is looked at slowly
let wanted = 0; // the number of the reconstruction that the visitor wants to see
let queue = Promise.resolve(); // one question after the other: a session must not run twice at once

const answers = { load, activations, reconstruct, begin, advance };

onmessage = ({ data }) => {
  if (data.kind === "reconstruct") wanted = data.id; // an older one ends at its next step
  queue = queue.then(() => answer(data));
};

async function answer({ id, kind, ...question }) {
  try {
    postMessage({ id, ...(await answers[kind](question, id)) });
  } catch (error) {
    postMessage({ id, failed: error.message || String(error) });
  }
}

async function load({ about, base }) {
  [runtime, network] = await Promise.all([Runtime.load("wasm", 1), loadNetwork(about, base)]);
  const names = network.layers.map(({ name }) => name);
  forward = await runtime.session(activationsGraph(network, names), OPTIONS);
  return {};
}

/** All layers' activations of a picture: {layer: {filters, rows, columns, values}}. */
async function activations({ picture }) {
  const found = await forward.run({ image: runtime.picture(picture) });
  const layers = {};
  for (const [name, tensor] of Object.entries(found)) {
    const [, filters, rows, columns] = tensor.dims;
    layers[name] = { filters, rows, columns, values: Float32Array.from(await runtime.values(tensor)) };
  }
  return { layers };
}

async function evaluatorOf(terms, width, height) {
  const layers = { contentLayer: terms.content?.layer ?? null, styleLayers: terms.style?.layers ?? [] };
  const targets = await Targets.make(runtime, network, layers);
  const evaluator = await Evaluator.make(runtime, network, targets, { convention: "relative", ...terms }, width, height);
  await targets.release();
  return evaluator;
}

/** Optimise noise until one layer's activations are the photograph's. */
async function reconstruct({ picture, layer, steps }, id) {
  const { width, height } = picture;
  const evaluator = await evaluatorOf({ content: { picture, layer, weight: 1 }, style: null }, width, height);
  const evaluate = (planes) => evaluator.evaluate(planes);
  let { planes } = noise(width, height, 0);
  let state = start(planes, await evaluate(planes));
  let number = 0;
  try {
    while (number < steps && id === wanted) {
      state = await step(state, evaluate);
      number += 1;
      postMessage({ id, report: true, layer, number, loss: state.evaluation.loss, planes: state.parameters });
      await new Promise((resolve) => setTimeout(resolve)); // lets a newer question arrive
    }
  } catch (error) {
    if (!(error instanceof NoBetterPicture)) throw error;
  }
  await evaluator.release();
  return { layer, number, loss: state.evaluation.loss, planes: state.parameters, finished: id === wanted };
}

/** The photograph as the start of a transfer, with its losses and their gradient. */
async function begin({ content, style, recipe }) {
  await transfer?.evaluator.release();
  const terms = {
    content: { picture: content, layer: recipe.content_layer, weight: recipe.alpha_beta },
    style: { picture: style, layers: recipe.style_layers, weight: 1 },
  };
  const evaluator = await evaluatorOf(terms, content.width, content.height);
  transfer = { evaluator, state: start(content.planes, await evaluator.evaluate(content.planes)) };
  return seen();
}

async function advance() {
  const { evaluator, state } = transfer;
  transfer.state = await step(state, (planes) => evaluator.evaluate(planes));
  return seen();
}

function seen() {
  const { parameters, evaluation } = transfer.state;
  return { planes: parameters, ...evaluation };
}
