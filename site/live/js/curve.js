// The losses against the steps, on a logarithmic scale: content, style layer by layer and together, and their sum.

const [WIDTH, HEIGHT] = [340, 190];
const BORDER = { left: 38, right: 26, top: 12, bottom: 24 };
const LEAST = 1e-8;
const LINE = 10; // height of a label
const SVG = "http://www.w3.org/2000/svg";

/** Draw a run's history, [{number, loss, losses, size}, …], for a run of so many steps. */
export function drawCurve(svg, history, steps) {
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  const curves = curvesOf(history);
  const values = curves.flatMap((curve) => curve.values).filter((value) => value > LEAST);
  if (!values.length) return svg.replaceChildren();
  const high = Math.log10(Math.max(...values)) + 0.05;
  const low = Math.min(Math.log10(Math.min(...values)) - 0.05, high - 0.5);
  const x = (step) => BORDER.left + ((WIDTH - BORDER.left - BORDER.right) * step) / Math.max(1, steps);
  const y = (value) => {
    const share = (high - Math.log10(Math.max(value, 10 ** low))) / (high - low);
    return BORDER.top + (HEIGHT - BORDER.top - BORDER.bottom) * share;
  };
  const parts = [...axes(low, high, steps, x, y), ...sizesOf(history, x)];
  for (const curve of curves) {
    const points = history.map(({ number }, i) => `${x(number).toFixed(1)},${y(curve.values[i]).toFixed(1)}`);
    parts.push(element("polyline", { points: points.join(" "), class: `curve ${curve.kind}` }));
  }
  const labelled = history.length < 3 ? [] : curves.filter(({ label }) => label);
  const ends = labelled.map(({ label, values }) => ({ label, at: y(values.at(-1)) + 3 }));
  for (const { label, at } of apart(ends)) parts.push(text(x(history.at(-1).number) + 3, at, label, "label"));
  svg.replaceChildren(...parts);
}

/** {content, style, total} of one record. */
export function summary({ loss, losses }) {
  const total = (role) => {
    const values = Object.entries(losses).filter(([name]) => name.startsWith(role));
    return values.length ? values.reduce((sum, [, value]) => sum + value, 0) : null;
  };
  return { content: total("content"), style: total("style"), total: loss };
}

/** Labels moved up or down until none covers another. */
function apart(labels) {
  const sorted = [...labels].sort((one, other) => one.at - other.at);
  const lowest = HEIGHT - BORDER.bottom - LINE * sorted.length;
  sorted.forEach((one, i) => {
    one.at = Math.max(Math.min(one.at, lowest + LINE * (i + 1)), i ? sorted[i - 1].at + LINE : 0);
  });
  return sorted;
}

function curvesOf(history) {
  if (!history.length) return [];
  const names = Object.keys(history[0].losses);
  const layers = names.filter((name) => name.startsWith("style"));
  const curves = layers.map((name) => ({
    kind: "layer",
    label: name.replace("style conv", ""),
    values: history.map(({ losses }) => losses[name]),
  }));
  for (const kind of ["total", "style", "content"]) {
    const values = history.map((record) => summary(record)[kind]);
    if (values[0] !== null) curves.push({ kind, values });
  }
  return curves;
}

function axes(low, high, steps, x, y) {
  const parts = [];
  for (let power = Math.ceil(low); power <= high; power++) {
    parts.push(element("line", { x1: BORDER.left, x2: x(steps), y1: y(10 ** power), y2: y(10 ** power), class: "grid" }));
    parts.push(text(BORDER.left - 5, y(10 ** power) + 3, power >= -3 ? String(10 ** power) : `1e${power}`, "tick end"));
  }
  parts.push(element("line", { x1: BORDER.left, x2: x(steps), y1: HEIGHT - BORDER.bottom, y2: HEIGHT - BORDER.bottom, class: "axis" }));
  parts.push(text(BORDER.left, HEIGHT - 8, "step 0", "tick"), text(x(steps), HEIGHT - 8, String(steps), "tick end"));
  return parts;
}

/** A line where the picture grows, with its size. */
function sizesOf(history, x) {
  const parts = [];
  history.forEach(({ number, size }, i) => {
    if (i === 0 || size === history[i - 1].size) return;
    const at = x(number - 0.5);
    parts.push(element("line", { x1: at, x2: at, y1: BORDER.top, y2: HEIGHT - BORDER.bottom, class: "growth" }));
    parts.push(text(at + 3, BORDER.top + 6, `${size} px`, "tick"));
  });
  return parts;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function text(x, y, content, kind) {
  const made = element("text", { x, y, class: kind });
  made.textContent = content;
  return made;
}
