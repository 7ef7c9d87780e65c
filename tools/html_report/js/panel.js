/* A section of the page: heading, what it shows at a moment, legend, picture, and how to read it. */

const panels = [];

/** A swatch of the legend: fill, line (with dashes) or hatching; and its name. */
function key(name, colour, kind = "fill", meaning = "") {
  const swatch = element("span", { class: `swatch ${kind}`, "aria-hidden": "true" });
  swatch.style.setProperty("--swatch", `var(--${colour})`);
  return element("span", { class: "key", title: meaning || null }, swatch, name);
}

/**
 * Fills a section of the template.
 * @param {string} id of the section
 * @param {{keys?: Node[], tools?: Node[], how: string|Node, empty?: string}} parts how: to read it;
 *   empty: why there is nothing to see
 * @returns {{body: HTMLElement, readout: HTMLElement}}
 */
function fillPanel(id, { keys = [], tools = [], how, empty }) {
  const section = document.getElementById(id);
  const readout = element("output", { class: "readout", "aria-live": "off" });
  const body = element("div", { class: "body" });
  if (empty) body.append(element("p", { class: "empty" }, empty));
  section.querySelector("h2").after(...(empty ? [] : [
    keys.length || tools.length ? element("div", { class: "legend" }, ...keys.filter(Boolean), element("span", { class: "tools" }, ...tools)) : "", readout]), body);
  section.append(element("p", { class: "how" }, element("strong", {}, "How to read it. "), how));
  return { body, readout };
}

/**
 * A picture over time that redraws itself, and answers pointer and keys like all of them.
 * @param {{body: HTMLElement, readout: HTMLElement}} place
 * @param {string} label what it is, for those who do not see it
 * @param {number} height
 * @param {(plot: Plot) => void} draw
 * @param {(t: number, y: number|null) => string} tell what is there at a moment
 */
function timePanel(place, label, height, draw, tell) {
  const canvas = element("canvas", { tabindex: "0", role: "img", "aria-label": label });
  place.body.append(canvas);
  const plot = new Plot(canvas, height);
  const panel = { canvas, plot, y: null, visible: true };
  panel.redraw = () => {
    if (!panel.visible) {
      panel.stale = true;
      return;
    }
    panel.stale = false;
    plot.begin();
    draw(plot);
    plot.clipped((ctx) => {
      drawDoubt(ctx, figures.doubtful, (t) => plot.x(t), plot.top, plot.height);
      drawMoments(ctx, (t) => plot.x(t), plot.top, plot.height);
    });
    const t = view.hover ?? view.t;
    place.readout.textContent = `${view.hover === null ? "at t" : "pointer"} ${moment(t)}: ${tell(t, panel.y)}`;
  };
  pointer(canvas, (x) => plot.t(x), (y) => { panel.y = y; });
  keyboard(canvas);
  panels.push(panel);
  onlyWhenVisible(panel, canvas);
  return panel;
}

/** What is far from the window is drawn when it comes near. */
function onlyWhenVisible(panel, target) {
  new IntersectionObserver(([entry]) => {
    panel.visible = entry.isIntersecting;
    if (panel.visible && panel.stale) panel.redraw();
  }, { rootMargin: "600px" }).observe(target);
}

/** A moment with the digits that the view can tell apart. */
const moment = (t) => `${seconds(t, digitsFor((view.to - view.from) / 2000))} s`;

/** A click sets the moment, a drag what is in view, the wheel with Ctrl zooms. */
function pointer(target, timeAt, tellY = () => {}) {
  let from = null;
  const shade = element("div", { class: "shade", hidden: true });
  target.parentElement.append(shade);
  const inside = (event) => event.clientX - target.getBoundingClientRect().left;
  target.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = inside(event);
    target.setPointerCapture(event.pointerId);
  });
  target.addEventListener("pointermove", (event) => {
    const x = inside(event);
    tellY(event.clientY - target.getBoundingClientRect().top);
    view.set({ hover: timeAt(x) });
    shade.hidden = from === null || Math.abs(x - from) < 4;
    shade.style.left = `${target.offsetLeft + Math.min(x, from)}px`;
    shade.style.width = `${Math.abs(x - from)}px`;
  });
  target.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const [low, high] = [from, inside(event)].sort((a, b) => a - b);
    if (high - low < 4) view.set({ t: Math.round(timeAt(high)) });
    else view.set({ from: timeAt(low), to: timeAt(high) });
    from = null;
    shade.hidden = true;
  });
  const leave = () => {
    tellY(null);
    view.set({ hover: null });
  };
  target.addEventListener("pointerleave", leave);
  target.addEventListener("pointercancel", () => {
    from = null;
    shade.hidden = true;
    leave();
  });
  target.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    view.zoom(1.002 ** event.deltaY, timeAt(inside(event)));
  }, { passive: false });
}

/** Arrows move the moment (with Shift further), + and - zoom around it, Escape shows all. */
function keyboard(target) {
  target.addEventListener("keydown", (event) => {
    const step = ((view.to - view.from) / 200) * (event.shiftKey ? 10 : 1);
    const actions = {
      ArrowLeft: () => view.goTo(Math.round(view.t - step)),
      ArrowRight: () => view.goTo(Math.round(view.t + step)),
      Home: () => view.goTo(view.begin),
      End: () => view.goTo(view.end),
      "+": () => view.zoom(0.5, view.t),
      "=": () => view.zoom(0.5, view.t),
      "-": () => view.zoom(2, view.t),
      Escape: () => view.set({ from: view.begin, to: view.end }),
    };
    const action = event.ctrlKey || event.metaKey || event.altKey ? null : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
