// What the page knows: the recipe, the pictures, the worker that computes, and what it has reported last.
//
// Events: "recipe" (the values have changed), "report" (the run has got on), "say" (a sentence for the visitor).

import { decode, sha256 } from "./pictures.js";
import { bundled, fitted, roles } from "./recipe.js";

const PROBE_SECONDS = 45;
const MOST_ERROR = 1e-3; // of what a GPU computes; it rounds in another order

export class Studio extends EventTarget {
  constructor(about, base, recipe, threads) {
    super();
    Object.assign(this, { about, base, recipe, pictures: {}, history: [], report: null, number: 0, going: false, threads });
    this.alphaBeta = recipe.alpha_beta; // as the visitor has set it, also while a run is going
    this.gpu = { sentence: "", networks: {} }; // the networks that were tested, and whether the GPU may be used for them
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.postMessage({ kind: "threads", threads });
    this.worker.onmessage = ({ data }) => this.#received(data);
    this.worker.onerror = (event) => this.#failed(event.message || "The page could not start its worker; load it again.");
  }

  /** The state of the run, for tests and for the curious. */
  snapshot() {
    const { report, recipe } = this;
    const now = report?.run === this.number ? report : null;
    return {
      ready: now !== null,
      running: this.going,
      step: now?.record.number ?? 0,
      steps: recipe.steps,
      loss: now?.loss ?? null,
      losses: now?.losses ?? {},
      size: now?.size ?? null,
      sizes: now?.sizes ?? [],
      network: recipe.network,
      alphaBeta: this.alphaBeta,
      backend: report?.backend ?? null,
      threads: report?.threads ?? 0,
      millisecondsPerEvaluation: now?.millisecondsPerEvaluation ?? null,
      evaluations: now?.evaluations ?? 0,
      stopReason: now?.stopReason ?? null,
    };
  }

  get network() {
    return this.about.networks.find(({ name }) => name === this.recipe.network);
  }

  /** Choose one of the pictures that come with the page. */
  async chooseBundled(role, name) {
    const { file, sha256 } = bundled(name, this.about);
    const address = new URL(file, this.base);
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`The picture ${name} could not be loaded (${answer.status}).`);
    const { bitmap, width, height } = await decode(await answer.blob());
    this.#keep(role, { name, title: name.replaceAll("_", " "), address: address.href, width, height, sha256, own: false }, bitmap);
  }

  /** Choose a file of the visitor's own; an error with one sentence if it is no picture that can be used. */
  async chooseFile(role, file) {
    const { bitmap, width, height } = await decode(file);
    const address = URL.createObjectURL(file);
    this.#keep(role, { name: file.name, title: file.name, address, width, height, sha256: await sha256(file), own: true }, bitmap);
  }

  /** Change values of the recipe and prepare a new run; it goes on by itself if one was going. */
  change(values) {
    Object.assign(this.recipe, values);
    if (values.network) this.#changeNetwork();
    this.prepare(this.going);
  }

  /** Take another α/β: from now on, if a run has begun. */
  changeAlphaBeta(value) {
    this.alphaBeta = value;
    this.moved = true;
    this.worker.postMessage({ kind: "wish", alphaBeta: value });
  }

  /** Prepare a run from its initial picture. */
  prepare(go) {
    if (this.moved) Object.assign(this.recipe, { alpha_beta: this.alphaBeta, changes: [] });
    this.alphaBeta = this.recipe.alpha_beta;
    this.moved = false;
    this.number += 1;
    this.history = [];
    this.going = false;
    try {
      this.prepared = fitted(this.recipe, this.pictures, this.about);
    } catch (error) {
      this.#failed(error.message);
      return;
    }
    const wish = { recipe: this.prepared, network: this.network, base: this.base.href, run: this.number };
    this.worker.postMessage({ kind: "prepare", ...wish });
    if (go) this.go();
    this.#tell("recipe");
  }

  go() {
    this.going = true;
    this.worker.postMessage({ kind: "wish", going: true });
    this.#tell("report");
  }

  pause() {
    this.going = false;
    this.worker.postMessage({ kind: "wish", going: false });
    this.#tell("report");
  }

  step() {
    this.pause();
    this.worker.postMessage({ kind: "wish", single: true });
  }

  say(sentence, kind = "note") {
    this.dispatchEvent(new CustomEvent("say", { detail: { sentence, kind } }));
  }

  /** Find out whether a GPU computes the same for this network, and faster, and use it if so. */
  async testGpu() {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
    if (!adapter) return this.#gpu("This browser offers no WebGPU here.");
    if (adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter)
      return this.#gpu("This browser's WebGPU is computed by the processor, so it is not used.");
    this.#gpu("WebGPU is being tested.");
    const network = this.network;
    const found = await this.#probe(network);
    this.gpu.networks[network.name] = false;
    if (found.failed) return this.#gpu(`WebGPU does not work here (${found.failed.slice(0, 120)}).`);
    const { error, milliseconds } = found;
    if (!(error < MOST_ERROR))
      return this.#gpu(`WebGPU computes wrong numbers for ${network.name} here (error ${(100 * error).toPrecision(2)} %).`);
    const [slow, fast] = [milliseconds.wasm, milliseconds.webgpu].map((one) => one.toFixed(0));
    if (milliseconds.webgpu > milliseconds.wasm)
      return this.#gpu(`WebGPU is slower here (${fast} ms against ${slow} ms an evaluation at 96 px).`);
    this.gpu.networks[network.name] = true;
    this.#gpu(`WebGPU was tested: the same numbers, ${fast} ms instead of ${slow} ms an evaluation at 96 px.`);
    this.#useBackend();
  }

  /** The GPU where it has been tested with this network, else the processor. */
  #useBackend() {
    this.worker.postMessage({ kind: "wish", backend: this.gpu.networks[this.network.name] ? "webgpu" : "wasm" });
  }

  #probe(about) {
    const worker = new Worker(new URL("probe.js", import.meta.url), { type: "module" });
    const answer = new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => resolve({ failed: event.message || "its worker did not start" });
      setTimeout(() => resolve({ failed: `no answer in ${PROBE_SECONDS} seconds` }), 1000 * PROBE_SECONDS);
    });
    worker.postMessage({ about, base: this.base.href, recipe: this.about.recipe, threads: this.threads });
    return answer.finally(() => worker.terminate());
  }

  #gpu(sentence) {
    this.gpu.sentence = sentence;
    this.#tell("report");
  }

  #keep(role, picture, bitmap) {
    const old = this.pictures[role];
    if (old?.own) URL.revokeObjectURL(old.address);
    this.pictures[role] = picture;
    this.worker.postMessage({ kind: "picture", role, bitmap }, [bitmap]);
  }

  /** Another network may lack layers that were chosen, and has to be tested on the GPU. */
  #changeNetwork() {
    this.#useBackend();
    if (!(this.network.name in this.gpu.networks)) this.testGpu();
    const known = this.network.layers.map(({ name }) => name);
    const { content_layer: content, style_layers: style } = this.recipe;
    if (!known.includes(content)) this.recipe.content_layer = this.about.recipe.content_layer;
    const kept = style.filter((layer) => known.includes(layer));
    this.recipe.style_layers = kept.length || roles(this.recipe).length === 1 ? kept : this.about.recipe.style_layers;
  }

  #received(data) {
    if (data.kind === "failed") return this.#failed(data.sentence);
    if (data.kind === "backend failed") {
      this.gpu.networks[this.recipe.network] = false;
      return this.#gpu("WebGPU failed, so the processor goes on.");
    }
    if (data.run !== this.number) return; // of a run that has been replaced
    this.report = data;
    if (data.kind === "prepared" || data.record.number === 0) this.history = [data.record];
    if (data.kind === "step" && data.record.number > 0) this.history.push(data.record);
    if (data.kind === "stopped") this.going = false;
    if (!this.moved) this.alphaBeta = data.alphaBeta; // the recipe may change it
    this.#tell("report");
  }

  #failed(sentence) {
    this.going = false;
    this.say(sentence, "error");
    this.#tell("report");
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}
