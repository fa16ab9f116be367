// The worker of the explorables: it holds the network and computes activations and the steps of runs.
//
// A question {id, kind, …} gets an answer {id, …}. A run answers step by step, so that other questions come between.

import { Evaluator, Targets } from "../../live/js/evaluator.js";
import { activationsGraph } from "../../live/js/graph.js";
import { NoBetterPicture, start, step } from "../../live/js/lbfgs.js";
import { Runtime } from "../../live/js/runtime.js";
import { loadNetwork } from "../../live/js/weights.js";

const OPTIONS = { graphOptimizationLevel: "all", logSeverityLevel: 3 };
const runs = {}; // {name: {evaluator, state}}
let network = null;
let runtime = null;
let forward = null; // the session of some layers' activations
let queue = Promise.resolve(); // one question after the other: a session must not run twice at once

const answers = { load, activations, begin, advance, end };

onmessage = ({ data }) => {
  queue = queue.then(() => answer(data));
};

async function answer({ id, kind, ...question }) {
  try {
    postMessage({ id, ...(await answers[kind](question)) });
  } catch (error) {
    postMessage({ id, failed: error.message || String(error) });
  }
}

async function load({ about, base, layers }) {
  [runtime, network] = await Promise.all([Runtime.load("wasm", 1), loadNetwork(about, base)]);
  forward = await runtime.session(activationsGraph(network, layers), OPTIONS);
  return {};
}

/** A picture's activations: {layer: {filters, rows, columns, values}}. */
async function activations({ picture }) {
  const found = await forward.run({ image: runtime.picture(picture) });
  const layers = {};
  for (const [name, tensor] of Object.entries(found)) {
    const [, filters, rows, columns] = tensor.dims;
    layers[name] = { filters, rows, columns, values: Float32Array.from(await runtime.values(tensor)) };
  }
  return { layers };
}

/** Begin a run from a picture: its losses and their gradient, before the first step. */
async function begin({ run, picture: { planes, width, height }, terms }) {
  await end({ run });
  const layers = { contentLayer: terms.content?.layer ?? null, styleLayers: terms.style?.layers ?? [] };
  const targets = await Targets.make(runtime, network, layers);
  const evaluator = await Evaluator.make(runtime, network, targets, { convention: "relative", ...terms }, width, height);
  await targets.release();
  runs[run] = { evaluator, state: start(planes, await evaluator.evaluate(planes)) };
  return seen(run);
}

/** One step of a run; `stopped` says why where none is left. */
async function advance({ run }) {
  const { evaluator, state } = runs[run];
  try {
    runs[run].state = await step(state, (planes) => evaluator.evaluate(planes));
  } catch (error) {
    if (!(error instanceof NoBetterPicture)) throw error;
    return { ...seen(run), stopped: error.message };
  }
  return seen(run);
}

/** Forget a run. */
async function end({ run }) {
  await runs[run]?.evaluator.release();
  delete runs[run];
  return {};
}

function seen(run) {
  const { parameters, evaluation } = runs[run].state;
  return { planes: parameters, ...evaluation };
}
