// The worker: it holds the networks, the pictures and the run, and computes one step after the other.
//
// The page sends wishes: a picture, a recipe to prepare, go, pause, one step, another α/β, another backend. One loop
// fulfils them between steps, the newest wish of each kind first. So the page never freezes, and a wish never finds a
// step half done.

import { Targets } from "./evaluator.js";
import { planesOf } from "./pictures.js";
import { fit } from "./resample.js";
import { Run } from "./run.js";
import { Runtime } from "./runtime.js";
import { loadNetwork } from "./weights.js";

const sources = {}; // {role: picture as decoded}
const networks = {}; // {name: promise of a network}
const wishes = { recipe: null, backend: null, alphaBeta: null, going: false, single: false };
let runtime = null;
let run = null;
let targets = null; // {key, runtime, made}: kept as long as network, layers and backend stay the same
let threads = 1;
let busy = false;

onmessage = ({ data }) => {
  const { kind, ...wish } = data;
  if (kind === "threads") threads = wish.threads;
  else if (kind === "picture") sources[wish.role] = planesOf(wish.bitmap);
  else if (kind === "prepare") Object.assign(wishes, { recipe: wish, going: false, single: false, alphaBeta: null });
  else Object.assign(wishes, wish);
  fulfil();
};

async function fulfil() {
  if (busy) return;
  busy = true;
  try {
    while (await next()) await breathe();
  } catch (error) {
    Object.assign(wishes, { going: false, single: false });
    postMessage({ kind: "failed", sentence: error.message || String(error) });
  }
  busy = false;
}

/** Fulfil one wish; return whether there was one. */
async function next() {
  runtime ??= await Runtime.load("wasm", threads);
  if (wishes.backend === runtime.backend) wishes.backend = null;
  if (wishes.backend) await changeBackend(take("backend"));
  else if (wishes.recipe) await prepare(take("recipe"));
  else if (run && wishes.alphaBeta !== null) await changeAlphaBeta(take("alphaBeta"));
  else if (run && (wishes.going || wishes.single)) await step();
  else return false;
  return true;
}

function take(name) {
  const wish = wishes[name];
  wishes[name] = null;
  return wish;
}

async function prepare({ recipe, network: about, base, run: number }) {
  networks[about.name] ??= loadNetwork(about, base);
  const network = await networks[about.name].catch((error) => {
    delete networks[about.name]; // so that the next wish tries again
    throw error;
  });
  const layers = { contentLayer: null, styleLayers: [] };
  if (recipe.kind !== "style") layers.contentLayer = recipe.content_layer;
  if (recipe.kind !== "content") layers.styleLayers = recipe.style_layers;
  await run?.release();
  run = null;
  const pictures = { content: fit(sources.content, recipe.size), style: fit(sources.style, recipe.size) };
  run = new Run(recipe, network, pictures, await targetsFor(network, layers));
  Object.assign(run, { layers, id: number });
  await onSomeBackend(() => run.begin());
  report("prepared");
}

async function step() {
  wishes.single = false;
  const record = await onSomeBackend(() => run.step());
  if (record) report("step");
  if (!run.stopReason) return;
  wishes.going = false;
  report("stopped");
}

async function changeAlphaBeta(value) {
  await onSomeBackend(() => run.changeAlphaBeta(value));
  report("changed");
}

async function changeBackend(name) {
  runtime = await Runtime.load(name, threads);
  if (!run) return;
  await onSomeBackend(async () => run.changeRuntime(await targetsFor(run.network, run.layers)));
  report("changed");
}

/** Compute something; if the GPU fails, compute it on the processor. */
async function onSomeBackend(compute) {
  try {
    return await compute();
  } catch (error) {
    if (runtime.backend !== "webgpu") throw error;
    postMessage({ kind: "backend failed" });
    runtime = await Runtime.load("wasm", threads);
    await run.changeRuntime(await targetsFor(run.network, run.layers));
    return compute();
  }
}

async function targetsFor(network, layers) {
  const key = JSON.stringify([network.name, layers]);
  if (targets?.key !== key || targets.runtime !== runtime) {
    await targets?.made.release();
    targets = null;
    targets = { key, runtime, made: await Targets.make(runtime, network, layers) };
  }
  return targets.made;
}

/** Tell the page where the run is, with its picture as RGBA. */
function report(kind) {
  const { planes, width, height } = run.picture();
  const pixels = new Uint8ClampedArray(4 * width * height).fill(255);
  const plane = width * height;
  for (let i = 0; i < plane; i++)
    for (let colour = 0; colour < 3; colour++) pixels[4 * i + colour] = Math.round(255 * planes[colour * plane + i]);
  const { number, history, evaluations, latest, milliseconds, stopReason, alphaBeta } = run;
  const [wide, high] = run.size();
  postMessage(
    {
      kind,
      run: run.id,
      record: { ...history.at(-1), number },
      loss: run.state.evaluation.loss,
      losses: run.state.evaluation.losses,
      picture: { pixels, width, height },
      size: [wide, high],
      sizes: run.factors.map((factor) => Math.round(factor * Math.max(width, height))),
      evaluations,
      millisecondsPerEvaluation: latest,
      milliseconds,
      stopReason,
      changes: run.allChanges(),
      alphaBeta,
      backend: runtime.backend,
      threads: runtime.threads,
    },
    [pixels.buffer],
  );
}

/** Let messages arrive between two steps. */
function breathe() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
