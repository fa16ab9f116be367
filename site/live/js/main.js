// Puts the page together: what the visitor does becomes wishes of the studio, what the studio reports is shown.

import { acceptDrops, Chooser } from "./chooser.js";
import { drawCurve, summary } from "./curve.js";
import { isolate, threadsWanted } from "./isolation.js";
import { NetworkDrawing } from "./network.js";
import { fromAddress, roles } from "./recipe.js";
import { download, nameOf, openRecipe, saveRecipe } from "./saving.js";
import { Studio } from "./studio.js";
import { startTheme } from "./theme.js";

const BASE = new URL("../", import.meta.url);
const $ = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

startTheme($("theme"));
await isolate();
const about = await (await fetch(new URL("live.json", BASE))).json();
const studio = new Studio(about, BASE, fromAddress(location.search, about), threadsWanted());
Object.defineProperty(window, "styleTransfer", { get: () => studio.snapshot() });

const choosers = {};
for (const role of ["content", "style"])
  choosers[role] = new Chooser(document.querySelector(`[data-role=${role}]`), role, studio, () => studio.prepare(studio.going));
const drawing = new NetworkDrawing($("network"), ({ content_layer, style_layers }) => {
  const kind = !content_layer ? "style" : !style_layers.length ? "content" : "transfer";
  const inits = kind === "transfer" ? ["content", "style", "noise"] : [kind, "noise"];
  // A reconstruction from the picture itself would be finished before it begins.
  const init = kind === studio.recipe.kind ? studio.recipe.init : kind === "transfer" ? "content" : "noise";
  studio.change({
    kind,
    style_layers,
    content_layer: content_layer ?? studio.recipe.content_layer,
    init: inits.includes(init) ? init : inits[0],
  });
});
drawing.onDescribe = (text) => ($("layer").textContent = text);
drawing.onRefused = (sentence) => studio.say(sentence, "error");
acceptDrops(choosers, open, (sentence, kind) => studio.say(sentence, kind));

$("run").addEventListener("click", () => {
  if (studio.going) return studio.pause();
  if (studio.snapshot().stopReason) studio.prepare(true);
  else studio.go();
});
$("step").addEventListener("click", () => studio.step());
$("reset").addEventListener("click", () => studio.prepare(false));
$("alpha").addEventListener("input", ({ target }) => {
  studio.changeAlphaBeta(Number((10 ** target.value).toPrecision(3)));
  showAlpha();
});
for (const name of ["network", "size", "first_size", "init", "steps", "seed"]) {
  const control = $(`choose-${name}`);
  control.addEventListener("change", () => {
    const number = typeof about.recipe[name] === "number";
    if (number && !control.reportValidity()) return;
    studio.change({ [name]: number ? Number(control.value) : control.value });
  });
}
$("save-picture").addEventListener("click", () => {
  $("picture").toBlob((blob) => download(blob, `${nameOf(studio)}.png`), "image/png");
});
$("save-recipe").addEventListener("click", () => attempt(() => studio.say(saveRecipe(studio))));
$("open-recipe").addEventListener("change", ({ target }) => {
  open([...target.files]);
  target.value = "";
});

async function open(files) {
  await attempt(async () => {
    const recipe = await openRecipe(files, studio);
    Object.assign(studio, { recipe, moved: false });
    for (const chooser of Object.values(choosers)) chooser.show();
    studio.prepare(false);
    studio.say(`Opened ${files.find(({ name }) => name.endsWith(".json"))?.name ?? "the recipe"}.`);
  });
}

async function attempt(act) {
  try {
    await act();
  } catch (error) {
    studio.say(error.message, "error");
  }
}

studio.addEventListener("recipe", showRecipe);
studio.addEventListener("report", showReport);
studio.addEventListener("say", ({ detail }) => {
  const place = $("message");
  place.textContent = detail.sentence;
  place.className = `message ${detail.kind}`;
  place.hidden = false;
});

function showRecipe() {
  const { recipe, prepared } = studio;
  drawing.show(
    studio.network,
    recipe.kind === "style" ? null : recipe.content_layer,
    recipe.kind === "content" ? [] : recipe.style_layers,
  );
  fillStarts(recipe);
  for (const name of ["network", "size", "first_size", "init", "steps", "seed"]) showValue($(`choose-${name}`), recipe[name]);
  $("seed").hidden = recipe.init !== "noise";
  $("about-network").textContent = `${recipe.network}: ${studio.network.source}.`;
  for (const role of ["content", "style"])
    document.querySelector(`[data-role=${role}]`).classList.toggle("unused", !roles(recipe).includes(role));
  $("alpha-field").disabled = recipe.kind !== "transfer";
  $("message").hidden = true;
  $("progress").max = prepared?.steps ?? recipe.steps;
  showAlpha();
}

/** A recipe may have sizes that are not among those to choose from. */
function showValue(control, value) {
  if (control.options && ![...control.options].some((option) => option.value === String(value)))
    control.add(new Option(`${value} px`, value));
  control.value = value;
}

function fillStarts({ kind }) {
  const words = { content: "the photograph", style: "the painting", noise: "noise" };
  const starts = [...(kind === "transfer" ? ["content", "style"] : [kind]), "noise"];
  $("choose-init").replaceChildren(...starts.map((start) => new Option(words[start], start)));
}

function showAlpha() {
  const value = studio.alphaBeta;
  const slider = $("alpha");
  if (document.activeElement !== slider || !studio.moved) slider.value = Math.log10(Math.max(value, 1e-9));
  slider.setAttribute("aria-valuetext", `α/β is ${value}`);
  $("alpha-value").textContent = `α/β = ${value}`;
}

function showReport() {
  const state = studio.snapshot();
  const { report } = studio;
  const done = state.stopReason !== null;
  $("run").textContent = state.running ? "Pause" : done ? "Run again" : state.step ? "Go on" : "Run";
  $("run").dataset.state = state.running ? "running" : "paused";
  $("step").disabled = done;
  document.body.dataset.backend = state.backend ?? "";
  showBackend(state);
  if (!state.ready) {
    $("status").textContent = studio.worker && state.backend ? "Preparing …" : loadingSentence();
    return;
  }
  showPicture(report.picture);
  drawCurve($("curve"), studio.history, state.steps);
  const parts = summary(report);
  for (const name of ["content", "style", "total"]) $(`loss-${name}`).textContent = parts[name] === null ? "–" : shown(parts[name]);
  $("progress").value = state.step;
  const now = Math.max(...state.size);
  const full = state.sizes.at(-1);
  const size = now === full ? `${full} px` : `${now} px of ${full} px`;
  $("status").textContent = `Step ${state.step} of ${state.steps} · ${size} · loss ${shown(state.loss)}`;
  if (done) announce(`Finished: ${state.stopReason}.`);
  else announce(state.running ? "Running." : state.step ? `Paused at step ${state.step}.` : "Ready.");
  showAlpha();
}

function showBackend({ backend, threads, millisecondsPerEvaluation: time, evaluations }) {
  if (!backend) return;
  const where = backend === "webgpu" ? "on the graphics processor, by WebGPU" : `on the processor, by WebAssembly with SIMD in ${threads === 1 ? "one thread" : `${threads} threads`}`;
  const speed = time === null ? "" : ` The last evaluation of the loss and its gradient took ${time.toFixed(0)} ms; ${evaluations} so far.`;
  $("backend").textContent = `Computed ${where}.${speed} ${studio.gpu.sentence}`;
}

function loadingSentence() {
  const megabytes = (studio.network.bytes / 1e6).toFixed(1);
  return `Loading the network (${megabytes} MB) and the program that computes it (14 MB) …`;
}

function showPicture({ pixels, width, height }) {
  const canvas = $("picture");
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
  canvas.setAttribute("aria-label", `The picture at step ${studio.snapshot().step}`);
}

/** Until the first loss is computed, the stage shows the photograph. */
async function showPhotograph(image) {
  await image.decode().catch(() => {});
  if (studio.report) return;
  const canvas = $("picture");
  Object.assign(canvas, { width: image.naturalWidth || 3, height: image.naturalHeight || 2 });
  canvas.getContext("2d").drawImage(image, 0, 0);
}

/** Say something to those who do not see the page, but not at every step. */
function announce(sentence) {
  if ($("announcer").textContent !== sentence) $("announcer").textContent = sentence;
}

function shown(value) {
  return value >= 0.001 || value === 0 ? value.toFixed(4) : value.toExponential(2);
}

$("choose-network").replaceChildren(...about.networks.map(({ name }) => new Option(name, name)));
$("status").textContent = loadingSentence();
for (const role of ["content", "style"]) await attempt(() => studio.chooseBundled(role, studio.recipe[role]));
for (const chooser of Object.values(choosers)) chooser.show();
showPhotograph(choosers.content.preview);
studio.prepare(!calm && new URLSearchParams(location.search).get("run") !== "no");
studio.testGpu();
