// Recipes: the values of a run, as stylelib's Recipe saves and loads them. The page makes and reads the same files.

import { needed } from "./graph.js";

const ORDER = [
  "kind", "content", "style", "network", "pooling", "size", "first_size", "steps", "content_layer", "style_layers",
  "alpha_beta", "init", "optimizer", "seed", "convention", "changes",
]; // prettier-ignore
const ROLES = { transfer: ["content", "style"], content: ["content"], style: ["style"] };
export const LIMITS = { size: [64, 768], steps: [1, 1000], alpha_beta: [0, 1e6], seed: [0, 2 ** 32 - 1], first_size: [0, 768] };

/** The pictures' roles in this kind of recipe. */
export function roles(recipe) {
  return ROLES[recipe.kind];
}

/** The text of a recipe file. pictures: {role: {name, sha256}}. */
export function toFile(recipe, pictures, about) {
  const used = roles(recipe);
  const values = { ...recipe, ...Object.fromEntries(used.map((role) => [role, pictures[role].name])) };
  const names = ORDER.filter((name) => !["content", "style"].includes(name) || used.includes(name));
  const content = { format: about.format, stylelib: about.stylelib };
  for (const name of names) content[name] = values[name];
  content.pictures = Object.fromEntries(used.map((role) => [role, pictures[role].sha256]));
  content.network_fingerprint = about.networks.find(({ name }) => name === recipe.network).fingerprint;
  return JSON.stringify(content, null, 1) + "\n";
}

/** Read a recipe file. Throws an error with one sentence if the page cannot make its picture. */
export function fromFile(text, fileName, about) {
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error(`${fileName} is not a recipe, or it is damaged.`);
  }
  if (!content || typeof content.pictures !== "object" || !("format" in content) || !ROLES[content.kind])
    throw new Error(`${fileName} is not a recipe, or it is damaged.`);
  if (content.format !== about.format) throw new Error(`${fileName} was made by a newer version of stylelib than this page.`);
  const recipe = { ...about.recipe, changes: [] };
  for (const name of ORDER) if (name in content) recipe[name] = content[name];
  check(recipe, about);
  return { recipe, pictures: content.pictures };
}

/** Values from the page's address, such as ?content=valley&size=128; those that make no sense are left out. */
export function fromAddress(search, about) {
  const recipe = { ...about.recipe, changes: [] };
  for (const [name, text] of new URLSearchParams(search)) {
    if (!(name in about.recipe)) continue;
    const old = recipe[name];
    recipe[name] = typeof old === "number" ? Number(text) : Array.isArray(old) ? text.split(",") : text;
    try {
      check(recipe, about);
      for (const role of ["content", "style"]) bundled(recipe[role], about);
    } catch {
      recipe[name] = old;
    }
  }
  return recipe;
}

/** What the list of bundled pictures says about a name; an error if there is none. */
export function bundled(name, about) {
  const found = about.pictures.find((picture) => picture.name === name);
  if (!found) throw new Error(`There is no bundled picture ${name}.`);
  return found;
}

/**
 * The recipe with a first size at which all its layers still have a position, for pictures {role: {width, height}}.
 * Throws an error if even the full size is too small.
 */
export function fitted(recipe, pictures, about) {
  const network = about.networks.find(({ name }) => name === recipe.network);
  const layers = recipe.kind === "style" ? [] : [recipe.content_layer];
  if (recipe.kind !== "content") layers.push(...recipe.style_layers);
  const least = needed(network, layers).at(-1).stride;
  const sides = roles(recipe).map((role) => {
    const { width, height } = pictures[role];
    return Math.min(width, height) * Math.min(1, recipe.size / Math.max(width, height));
  });
  const shortest = Math.min(...sides);
  if (shortest < least)
    throw new Error(`These layers need at least ${least} pixels on the shorter side; choose a larger size or layers less deep.`);
  const smallest = Math.ceil((recipe.size * least) / shortest);
  const first = recipe.first_size && Math.max(recipe.first_size, smallest);
  return { ...recipe, first_size: first >= recipe.size ? 0 : first };
}

function check(recipe, about) {
  const network = about.networks.find(({ name }) => name === recipe.network);
  const names = about.networks.map(({ name }) => name).join(" and ");
  if (!network) throw new Error(`The recipe needs the network ${recipe.network}, and this page has ${names}; make it in Python.`);
  if (recipe.pooling !== "avg") throw new Error(`The recipe needs ${recipe.pooling} pooling, and this page has average pooling; make it in Python.`);
  if (recipe.optimizer !== "lbfgs") throw new Error(`The recipe needs the optimiser ${recipe.optimizer}, and this page has L-BFGS; make it in Python.`);
  if (Array.isArray(recipe.style)) throw new Error("The recipe has several style images, and this page takes one; make it in Python.");
  for (const [name, [low, high]] of Object.entries(LIMITS)) {
    const value = recipe[name];
    if (typeof value !== "number" || !(value >= low && value <= high) || (name !== "alpha_beta" && !Number.isInteger(value)))
      throw new Error(`The recipe's ${name.replace("_", " ")} is ${value}; here it can be ${low} to ${high}.`);
  }
  const known = network.layers.map((layer) => layer.name);
  const strange = [recipe.content_layer, ...recipe.style_layers].find((layer) => !known.includes(layer));
  if (strange) throw new Error(`The network ${network.name} has no layer ${strange}.`);
  if (!["relative", "mean", "printed"].includes(recipe.convention) || !["content", "style", "noise"].includes(recipe.init))
    throw new Error("The recipe is damaged: its convention or its start is none that exists.");
}
