// Puts the page together: loads the network, lets the visitor choose the two pictures, and starts the sections.

import { startTheme } from "../../live/js/theme.js";
import { ask, draw, make, pictureAt, pictureIn } from "./lens.js";
import { Fields } from "./fields.js";
import { GramEntry } from "./gram_entry.js";
import { Puzzle } from "./puzzle.js";
import { Reconstruction } from "./reconstruction.js";
import { SlowStep } from "./slow_step.js";

const NETWORK = "compact";
const BASE = new URL("../../live/", import.meta.url);
const $ = (id) => document.getElementById(id);

startTheme($("theme"));
const about = await (await fetch(new URL("live.json", BASE))).json();
const network = about.networks.find(({ name }) => name === NETWORK);
const seen = { pictures: {}, layers: {}, network, recipe: about.recipe };
const sections = {
  fields: new Fields($("fields"), seen),
  gram: new GramEntry($("gram"), seen),
  puzzle: new Puzzle($("puzzle"), seen),
  reconstruction: new Reconstruction($("reconstruction"), seen),
  step: new SlowStep($("step"), seen),
};
const state = { ready: false };
Object.defineProperty(window, "explore", {
  get: () => ({ ...state, network: NETWORK, pictures: seen.pictures, ...Object.fromEntries(Object.entries(sections).map(([name, one]) => [name, one.state])) }),
});

function say(sentence) {
  $("message").textContent = sentence;
  $("message").hidden = !sentence;
}

/** Look at another picture: every section starts anew with it. */
async function choose(role, loading) {
  try {
    const picture = await loading;
    say("");
    seen.pictures[role] = picture;
    draw($(`${role}-picture`), picture);
    seen.layers[role] = (await ask("activations", { picture })).layers;
    if (seen.layers.content && seen.layers.style) await Promise.all(Object.values(sections).map((one) => one.begin(role)));
  } catch (error) {
    say(error.message);
  }
}

for (const role of ["content", "style"]) {
  const select = $(`${role}-choice`);
  const bundled = about.pictures.filter(({ kind }) => kind === role);
  const first = about.recipe[role];
  for (const { name, file } of bundled)
    select.append(make("option", { value: file, textContent: name.replaceAll("_", " "), selected: name === first }));
  select.addEventListener("change", () => choose(role, pictureAt(new URL(select.value, BASE))));
  $(`${role}-file`).addEventListener("change", ({ target }) => {
    if (target.files.length) choose(role, pictureIn(target.files[0]));
    target.value = "";
  });
}

try {
  await ask("load", { about: network, base: BASE.href });
  seen.other = bundledOther();
  await choose("content", pictureAt(new URL($("content-choice").value, BASE)));
  await choose("style", pictureAt(new URL($("style-choice").value, BASE)));
  state.ready = true;
  $("loading").hidden = true;
} catch (error) {
  say(error.message);
}

/** The activations of a painting that is not the chosen one, as a control. */
function bundledOther() {
  const paintings = about.pictures.filter(({ kind, name }) => kind === "style" && name !== about.recipe.style);
  const { file, name } = paintings.find((one) => one.name === "woodcut") ?? paintings[0];
  const loading = pictureAt(new URL(file, BASE));
  return { name: name.replaceAll("_", " "), layers: loading.then((picture) => ask("activations", { picture })).then(({ layers }) => layers) };
}
