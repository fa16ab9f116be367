// A worker of its own that tests whether the GPU computes what it should, and whether it is faster than the processor.
// If the GPU hangs, the page ends this worker and nothing else is affected.

import { Evaluator, Targets } from "./evaluator.js";
import { Runtime } from "./runtime.js";
import { loadNetwork } from "./weights.js";

const TIMED_SIDE = 96; // pixels
const EVALUATIONS = 3;

onmessage = async ({ data: { about, base, recipe, threads } }) => {
  try {
    const network = await loadNetwork(about, base);
    const layers = { contentLayer: recipe.content_layer, styleLayers: recipe.style_layers };
    const milliseconds = {};
    let error = NaN;
    for (const backend of ["wasm", "webgpu"]) {
      const runtime = await Runtime.load(backend, threads);
      const targets = await Targets.make(runtime, network, layers);
      const evaluator = await evaluatorOf(about.probe.side, recipe, runtime, network, targets);
      error = await errorOf(evaluator, about.probe);
      const large = await evaluatorOf(TIMED_SIDE, recipe, runtime, network, targets);
      milliseconds[backend] = await timeOf(large);
      await Promise.all([evaluator, large, targets].map((one) => one.release()));
    }
    postMessage({ error, milliseconds });
  } catch (error) {
    postMessage({ failed: error.message || String(error) });
  }
};

function evaluatorOf(side, recipe, runtime, network, targets) {
  const content = { picture: waves(0, side), layer: recipe.content_layer, weight: 1 };
  const style = { picture: waves(1, side), layers: recipe.style_layers, weight: 1 };
  return Evaluator.make(runtime, network, targets, { content, style, convention: "relative" }, side, side);
}

/** The largest relative error of the losses and of the gradient against the values that torch computed. */
async function errorOf(evaluator, { losses, gradient, stride, side }) {
  const found = await evaluator.evaluate(waves(2, side).planes);
  const some = found.gradient.filter((_, i) => i % stride === 0);
  return Math.max(distance(Object.values(found.losses), losses), distance([...some], gradient));
}

async function timeOf(evaluator) {
  const { planes } = waves(2, TIMED_SIDE);
  await evaluator.evaluate(planes); // the first one prepares much
  const began = performance.now();
  for (let i = 0; i < EVALUATIONS; i++) await evaluator.evaluate(planes);
  return (performance.now() - began) / EVALUATIONS;
}

function distance(values, expected) {
  const norm = (list) => Math.sqrt(list.reduce((sum, value) => sum + value * value, 0));
  return norm(values.map((value, i) => value - expected[i])) / norm(expected);
}

/** A picture of waves, the same as in tools/web/live.py. */
function waves(number, side) {
  const wave = (_, i) => 0.5 + 0.4 * Math.sin(i * (0.11 + 0.07 * number)) * Math.cos(i * i * 1e-4 * (number + 1));
  return { planes: Float32Array.from({ length: 3 * side * side }, wave), width: side, height: side };
}
