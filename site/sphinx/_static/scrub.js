// Scrubbers: the recorded runs of a notebook's panel, step by step, without Python. tools/web/scrub.py writes the HTML.
//
// A scrubber has a slider for each knob and one for the steps, which the arrow keys move; a picture, which is loaded
// when it is wanted; the losses at its step, and their curves.

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, BOTTOM, AROUND] = [420, 130, 34, 20, 10];
const LEAST = 1e-6; // a loss of 0 has no logarithm

function element(name, attributes = {}, ...children) {
  const one = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  one.append(...children);
  return one;
}

/** A number as text, short: 0.0813, 8.2e-5. */
const short = (value) => (value && value < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3))));

function slider(name, count, at, changed) {
  const text = element("output");
  const input = element("input", { type: "range", min: 0, max: count - 1, value: at, "aria-label": name });
  input.addEventListener("input", changed);
  const row = element("div", { class: "scrubber-row" }, element("span", { "aria-hidden": "true" }, name), input, text);
  const say = (label) => {
    text.value = label;
    input.setAttribute("aria-valuetext", label);
  };
  return { input, row, say };
}

/** The curves of a run's losses against the square root of the step, so that the first steps have room. */
function curves(run, at) {
  const values = Object.values(run.losses).flat();
  const [low, high] = [Math.min, Math.max].map((pick) => Math.log10(Math.max(LEAST, pick(...values.filter((one) => one > LEAST)))));
  const span = Math.max(high - low, 0.5);
  const x = (step) => LEFT + (WIDTH - LEFT - AROUND) * Math.sqrt(step / run.steps.at(-1));
  const y = (value) => AROUND + ((HEIGHT - BOTTOM - AROUND) * (high - Math.log10(Math.max(value, 10 ** low)))) / span;
  const drawn = [];
  for (let power = Math.ceil(high - span); power <= high; power++) {
    drawn.push(element("svg:line", { x1: LEFT, x2: WIDTH - AROUND, y1: y(10 ** power), y2: y(10 ** power), class: "grid" }));
    drawn.push(element("svg:text", { x: LEFT - 4, y: y(10 ** power) + 3, "text-anchor": "end" }, power < -2 ? `1e${power}` : `${10 ** power}`));
  }
  for (const step of [0, 8, 25, 65, 100].filter((one) => run.steps.includes(one))) {
    drawn.push(element("svg:text", { x: x(step), y: HEIGHT - 5, "text-anchor": "middle" }, `${step}`));
  }
  drawn.push(element("svg:line", { x1: x(run.steps[at]), x2: x(run.steps[at]), y1: AROUND, y2: HEIGHT - BOTTOM, class: "now" }));
  for (const [name, losses] of Object.entries(run.losses)) {
    const points = losses.map((loss, i) => `${x(run.steps[i]).toFixed(1)},${y(loss).toFixed(1)}`).join(" ");
    drawn.push(element("svg:polyline", { points, class: name.split(" ")[0] }));
    drawn.push(element("svg:circle", { cx: x(run.steps[at]), cy: y(losses[at]), r: 2.5, class: name.split(" ")[0] }));
  }
  return drawn;
}

function start(figure) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const [picture, caption, side] = ["img", "figcaption span", ".scrubber-side"].map((one) => figure.querySelector(one));
  const chart = element("svg:svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "The losses at each step, on a logarithmic scale" });
  const table = element("ul", { class: "scrubber-losses", "aria-label": "Losses at this step" });
  const knobs = data.knobs.map(({ label, choices }, i) => slider(label, choices.length, data.start[i], show));
  const steps = slider("Step", data.runs[0].steps.length, data.runs[0].steps.length - 1, show);

  function show() {
    const chosen = knobs.map(({ input }) => Number(input.value));
    const labels = chosen.map((choice, i) => data.knobs[i].choices[choice]);
    const run = data.runs[data.grid[chosen.reduce((place, choice, i) => place * data.knobs[i].choices.length + choice, 0)]];
    steps.input.max = run.steps.length - 1;
    const at = Number(steps.input.value);
    knobs.forEach(({ say }, i) => say(labels[i]));
    steps.say(`${run.steps[at]} of ${run.steps.at(-1)}`);
    const values = labels.map((label, i) => `${data.knobs[i].label} ${label}`).join(", ");
    picture.alt = `The picture after step ${run.steps[at]}: ${values}`;
    const file = `${data.url}/${run.files[at]}`;
    if (picture.getAttribute("src") !== file) picture.src = file; // the old picture stays until the new one is there
    const items = Object.entries(run.losses).map(([name, losses]) =>
      element("li", { class: name.split(" ")[0] }, element("span", {}, name), element("b", {}, short(losses[at]))),
    );
    table.replaceChildren(...items);
    chart.replaceChildren(...curves(run, at));
    caption.textContent = `Recorded: ${run.made}.`;
  }

  side.append(...knobs.map(({ row }) => row), steps.row, table);
  picture.after(chart);
  show();
}

document.querySelectorAll("figure.scrubber").forEach(start);
