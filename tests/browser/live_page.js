// What tests/browser/test_live_page.py asks the live page's modules to compute. It runs in the page itself.
//
// Pictures come and go as {values, width, height}, because JSON has no typed arrays.

const base = new URL("./", location.href);
const [{ Evaluator, Targets }, { evaluationGraph }, { Runtime }, { Run, shrinking }, { loadNetwork }, lbfgs, resample, noise] =
  await Promise.all(
    ["evaluator", "graph", "runtime", "run", "weights", "lbfgs", "resample", "noise"].map(
      (name) => import(new URL(`js/${name}.js`, base)),
    ),
  );

const picture = ({ values, width, height }) => ({ planes: Float32Array.from(values), width, height });
const plain = ({ planes, width, height }) => ({ values: [...planes], width, height });
const about = await (await fetch(new URL("live.json", base))).json();

async function prepared({ network: name, contentLayer, styleLayers }) {
  const network = await loadNetwork(about.networks.find((one) => one.name === name), base);
  const runtime = await Runtime.load("wasm");
  return { network, runtime, targets: await Targets.make(runtime, network, { contentLayer, styleLayers }) };
}

window.asked = {
  async evaluation({ content, style, picture: at, alpha, convention, ...layers }) {
    const { network, runtime, targets } = await prepared(layers);
    const terms = {
      content: { picture: picture(content), layer: layers.contentLayer, weight: alpha },
      style: { picture: picture(style), layers: layers.styleLayers, weight: 1 },
      convention,
    };
    const evaluator = await Evaluator.make(runtime, network, targets, terms, at.width, at.height);
    const { loss, losses, gradient } = await evaluator.evaluate(picture(at).planes);
    return { loss, losses, gradient: [...gradient] };
  },

  async graph({ network: name, ...options }) {
    const network = await loadNetwork(about.networks.find((one) => one.name === name), base);
    const bytes = evaluationGraph(network, options);
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(text);
  },

  async run({ recipe, content, style }) {
    const layers = { contentLayer: recipe.content_layer, styleLayers: recipe.style_layers };
    const { network, targets } = await prepared({ network: recipe.network, ...layers });
    const run = new Run(recipe, network, { content: picture(content), style: picture(style) }, targets);
    while (await run.step());
    const { stopReason, evaluations, history } = run;
    return { stopReason, evaluations, losses: history.map(({ loss }) => loss), picture: plain(run.picture()) };
  },

  /** L-BFGS in a valley with small waves, at which some first trials are refused. */
  async valley({ curvatures, start, steps }) {
    const evaluate = (parameters) => {
      const gradient = parameters.map((value, i) => 2 * curvatures[i] * value + 3 * Math.sin(3 * value));
      const waves = parameters.reduce((sum, value, i) => sum + curvatures[i] * value ** 2 + 1 - Math.cos(3 * value), 0);
      return { loss: waves, losses: {}, gradient };
    };
    const parameters = Float32Array.from(start);
    let state = lbfgs.start(parameters, evaluate(parameters));
    const losses = [];
    let evaluations = 0;
    for (let i = 0; i < steps; i++) {
      state = await lbfgs.step(state, (at) => (evaluations++, evaluate(at)));
      losses.push(state.evaluation.loss);
    }
    return { losses, evaluations, parameters: [...state.parameters] };
  },

  /** Why L-BFGS gives up where every value is not a number. */
  async refusal(gradient) {
    const state = lbfgs.start(new Float32Array(2), { loss: 1, losses: {}, gradient: Float32Array.from(gradient) });
    const nothing = () => ({ loss: NaN, losses: {}, gradient: Float32Array.of(NaN, NaN) });
    return lbfgs.step(state, nothing).catch((error) => error.message);
  },

  pictures({ full, small, size, factor }) {
    const fitted = resample.fit(picture(full), size);
    const start = picture(small);
    const coarse = resample.shrink(start, factor);
    const changed = { ...coarse, planes: coarse.planes.map((value) => 0.8 * value + 0.1) };
    return {
      fitted: plain(fitted),
      shrunk: plain(coarse),
      covered: plain(resample.cover(start, 30, 60)),
      continued: plain(resample.continueFrom(changed, coarse, start, "content")),
      noise: plain(noise.noise(37, 31, 5)),
      sizes: [shrinking(256, 0), shrinking(256, 96), shrinking(700, 64)],
    };
  },
};
