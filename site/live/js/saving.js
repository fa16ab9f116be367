// Saving the picture and the recipe, and opening a recipe.

import { sha256 } from "./pictures.js";
import { fromFile, roles, toFile } from "./recipe.js";

/** Give the visitor a file. */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A name for the run's files, such as riverside-night_swirls-256px-step60. */
export function nameOf(studio) {
  const names = roles(studio.recipe).map((role) => studio.pictures[role].name.replace(/\.[^.]*$/, ""));
  const { step } = studio.snapshot();
  return [...names, `${studio.recipe.size}px`, `step${step}`].join("-");
}

/** Save the recipe of the present run; return a sentence that says what to do with it. */
export function saveRecipe(studio) {
  const used = roles(studio.recipe).map((role) => studio.pictures[role]);
  if (used.some((picture) => !picture.sha256))
    throw new Error("A recipe names its pictures by their checksums, which this browser computes on https and on localhost only.");
  const name = `${nameOf(studio).replace(/-step\d+$/, "")}.json`;
  const recipe = { ...studio.prepared, changes: studio.report?.changes ?? studio.prepared.changes };
  download(new Blob([toFile(recipe, studio.pictures, studio.about)], { type: "application/json" }), name);
  const own = used.filter((picture) => picture.own).map((picture) => picture.name);
  const beside = own.length ? ` Keep ${own.join(" and ")} in the same folder.` : "";
  return `Saved ${name}.${beside} Python makes the picture again with Recipe.load("${name}").finish(), a shell with python -m stylelib recipe ${name} -o picture.png.`;
}

/** Open a recipe: the file itself and, chosen together with it, the pictures that do not come with the page. */
export async function openRecipe(files, studio) {
  const file = files.find(({ name }) => name.toLowerCase().endsWith(".json"));
  if (!file) throw new Error("Choose a recipe, a file that ends in .json.");
  const { recipe, pictures } = fromFile(await file.text(), file.name, studio.about);
  const found = {};
  for (const role of roles(recipe)) {
    const bundled = studio.about.pictures.find(({ name }) => name === recipe[role]);
    if (bundled && bundled.sha256 !== pictures[role])
      throw new Error(`The recipe was made with another version of the picture ${recipe[role]}.`);
    found[role] = bundled ?? (await ownPicture(files, recipe[role], pictures[role]));
  }
  for (const [role, one] of Object.entries(found))
    await (one instanceof File ? studio.chooseFile(role, one) : studio.chooseBundled(role, one.name));
  return recipe;
}

async function ownPicture(files, name, digest) {
  const file = files.find((one) => one.name === name);
  if (!file) throw new Error(`The recipe uses ${name}; choose or drop it together with the recipe.`);
  const found = await sha256(file);
  if (found && found !== digest) throw new Error(`${name} is not the picture that the recipe was made with.`);
  return file;
}
