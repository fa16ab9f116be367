// Light, dark, or as the system has it. The choice is kept on this device.

const KEY = "stylelib theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Apply the kept choice, and make a button change it. */
export function startTheme(button) {
  apply(read() ?? (dark.matches ? "dark" : "light"), button);
  dark.addEventListener("change", () => read() === null && apply(dark.matches ? "dark" : "light", button));
  button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    apply(theme, button);
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // without storage the choice lasts as long as the page
    }
  });
}

function read() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function apply(theme, button) {
  document.documentElement.dataset.theme = theme;
  button.setAttribute("aria-label", theme === "dark" ? "Use light colours" : "Use dark colours");
}
