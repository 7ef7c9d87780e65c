/* Light and dark: what the system prefers, until the reader chooses. Colours are those of report.css. */

const theme = {
  listeners: [],
  cache: new Map(),

  /** The value of a colour of report.css, as canvas takes it. */
  colour(name) {
    if (!this.cache.has(name)) {
      this.cache.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
    }
    return this.cache.get(name);
  },

  get dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  },

  changed() {
    this.cache.clear();
    this.listeners.forEach((listener) => listener());
  },

  start(button) {
    const name = () => {
      button.textContent = this.dark ? "Light" : "Dark";
      button.setAttribute("aria-label", `switch to ${this.dark ? "light" : "dark"} colours`);
    };
    button.addEventListener("click", () => {
      document.documentElement.dataset.theme = this.dark ? "light" : "dark";
      this.changed();
      name();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.changed();
      name();
    });
    name();
  },
};

/** [red, green, blue] of #rrggbb. */
const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

/** A colour with an opacity from 0 to 1. */
const faded = (colour, alpha) => `rgba(${rgb(colour).join(",")},${alpha})`;

/** The colour at a share from 0 to 1 of a ramp, as [red, green, blue]. */
function onRamp(stops, share) {
  const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const index = Math.min(Math.floor(place), stops.length - 2);
  const [low, high] = [rgb(stops[index]), rgb(stops[index + 1])];
  return low.map((value, i) => Math.round(value + (high[i] - value) * (place - index)));
}

/** From few to many: lightness alone tells the order, so every eye can. */
const heatRamp = () => ["heat-0", "heat-1", "heat-2", "heat-3", "heat-4"].map((name) => theme.colour(name));
