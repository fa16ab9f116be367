// Puts the page together: loads the network, lets the visitor choose the two pictures, and starts the sections.
//
// A section has `needs`, the roles of the pictures that it shows, and begin(), which is called when one of them is new.

import { acceptDrops, Chooser } from "../../live/js/chooser.js";
import { bundled, fromAddress } from "../../live/js/recipe.js";
import { startTheme } from "../../live/js/theme.js";
import { Fields } from "./fields.js";
import { GramEntry } from "./gram_entry.js";
import { ask, pictureIn } from "./lens.js";
import { Puzzle } from "./puzzle.js";
import { Reconstruction } from "./reconstruction.js";
import { SlowStep } from "./slow_step.js";

const NETWORK = "compact"; // the embedded network with the layers conv1_2 and conv2_2
const BASE = new URL("../../live/", import.meta.url);
const $ = (id) => document.getElementById(id);

/** What the page knows: the pictures, their activations, the network, and the layers that describe a style. */
class Seen {
  constructor(about) {
    Object.assign(this, { about, base: BASE, pictures: {}, layers: {}, others: {} });
    this.recipe = { ...fromAddress(location.search, about), network: NETWORK };
    this.network = about.networks.find(({ name }) => name === NETWORK);
    this.styleLayers = about.recipe.style_layers;
    this.newest = { content: 0, style: 0 }; // of the pictures that were asked for
  }

  async chooseBundled(role, name) {
    const { file } = bundled(name, this.about);
    const address = new URL(file, this.base);
    await this.#choose(role, await bundledFile(address, name), { name, title: name.replaceAll("_", " "), address: address.href, own: false });
  }

  async chooseFile(role, file) {
    await this.#choose(role, file, { name: file.name, title: file.name, address: URL.createObjectURL(file), own: true });
  }

  /** The activations of a painting that is not the chosen one, as a control: {title, layers}. */
  async otherPainting() {
    const isOther = ({ kind, name }) => kind === "style" && name !== this.pictures.style.name;
    const { name, file } = ["woodcut", "mosaic"].map((one) => bundled(one, this.about)).find(isOther);
    const picture = async () => pictureIn(await bundledFile(new URL(file, this.base), name));
    this.others[name] ??= picture().then((one) => ask("activations", { picture: one }));
    const { layers } = await this.others[name];
    return { title: name.replaceAll("_", " "), layers };
  }

  say(sentence) {
    $("message").textContent = sentence;
    $("message").hidden = !sentence;
  }

  async #choose(role, file, named) {
    const number = (this.newest[role] += 1);
    const picture = await pictureIn(file);
    await loaded;
    const { layers } = await ask("activations", { picture });
    if (number !== this.newest[role]) return; // another one has been chosen meanwhile
    if (this.pictures[role]?.own) URL.revokeObjectURL(this.pictures[role].address);
    this.pictures[role] = { ...named, ...picture };
    this.layers[role] = layers;
    this.say("");
    await begin(role);
  }
}

async function bundledFile(address, name) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`The picture ${name} could not be loaded (${answer.status}).`);
  return answer.blob();
}

/** Every section that shows this picture begins anew, once it has all the pictures that it needs. */
function begin(role) {
  const ready = Object.values(sections).filter(({ needs }) => needs.includes(role) && needs.every((one) => seen.pictures[one]));
  return Promise.all(ready.map((section) => section.begin()));
}

startTheme($("theme"));
const about = await (await fetch(new URL("live.json", BASE))).json();
const seen = new Seen(about);
const { network, recipe, styleLayers } = seen;
$("megabytes").textContent = (network.bytes / 1e6).toFixed(1);
$("about-network").textContent = `The network is ${network.name}: ${network.source}.`;
const sections = {
  fields: new Fields($("fields"), seen),
  gram: new GramEntry($("gram"), seen),
  puzzle: new Puzzle($("puzzle"), seen),
  reconstruction: new Reconstruction($("reconstruction"), seen),
  step: new SlowStep($("step"), seen),
};
let ready = false;
Object.defineProperty(window, "explore", {
  get() {
    const states = Object.entries(sections).map(([name, { state }]) => [name, state]);
    return { ready, network: network.name, pictures: seen.pictures, ...Object.fromEntries(states) };
  },
});

const loaded = ask("load", { about: network, base: BASE.href, layers: styleLayers });
const choosers = {};
for (const role of ["content", "style"]) choosers[role] = new Chooser(document.querySelector(`[data-role=${role}]`), role, seen, () => {});
acceptDrops(choosers, () => seen.say("This page opens pictures only; the live page opens recipes."), (sentence) => seen.say(sentence));
try {
  for (const role of ["content", "style"]) {
    await seen.chooseBundled(role, recipe[role]);
    choosers[role].show();
  }
  ready = true;
} catch (error) {
  seen.say(error.message);
}
$("loading").hidden = true;
