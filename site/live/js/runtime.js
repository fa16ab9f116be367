// onnxruntime-web with one of its two backends: WebGPU, or WebAssembly with SIMD and, where the page may, threads.

const VENDOR = new URL("../vendor/", import.meta.url);

export class Runtime {
  /** Load a backend, "wasm" with so many threads or "webgpu". */
  static async load(backend, threads = 1) {
    const ort = await import(new URL(backend === "webgpu" ? "ort.webgpu.min.mjs" : "ort.wasm.min.mjs", VENDOR));
    ort.env.wasm.wasmPaths = VENDOR.href;
    ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? threads : 1;
    ort.env.logLevel = "error";
    return new Runtime(ort, backend, ort.env.wasm.numThreads);
  }

  constructor(ort, backend, threads) {
    Object.assign(this, { ort, backend, threads });
  }

  session(model, options) {
    return this.ort.InferenceSession.create(model, { ...options, executionProviders: [this.backend] });
  }

  tensor(values, shape) {
    return new this.ort.Tensor("float32", values, shape);
  }

  picture({ planes, width, height }) {
    return this.tensor(planes, [1, 3, height, width]);
  }

  /** A result's numbers. The tensor is given back at once, because results would fill the memory. */
  async values(tensor) {
    const values = await tensor.getData(true);
    tensor.dispose();
    return values;
  }
}
