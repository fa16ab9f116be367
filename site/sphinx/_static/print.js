// Paper is white: a dark page is printed with the light page's colours.

const page = document.documentElement.dataset;
let shown = page.theme;
matchMedia("print").addEventListener("change", ({ matches }) => {
  if (matches) shown = page.theme;
  page.theme = matches ? "light" : shown;
});
