/* The biography of one page: what its address referred to, who maps it at the moment, and everything that happened to it. */

const STORY_HEIGHT = 118;
const ENTRY_LOOK = [["in memory", "sky"], ["in swap", "purple"], ["the zero page", "kernel"]];
const LISTS = ["active_anon", "inactive_anon", "isolated", "unevictable"];
const LIST_COLOURS = ["vermilion", "blue", "green", "orange"];

function startStory() {
  const { stories, legend } = figures.biography;
  const drawsItself = Boolean(document.getElementById("lib-viz"));
  const missing = drawsItself || !stories.length || stories[0].svgs ? "" : ` There are no drawings: ${figures.drawings_missing}.`;
  const place = fillPanel("story", {
    keys: stories.length ? [...ENTRY_LOOK.map(([name, colour]) => key(name, colour)),
      ...LISTS.map((name, i) => key(name, LIST_COLOURS[i])), doubtKey()] : [],
    how: `A page is followed at one address of one task, through every frame and swap slot that it was in. The strip tells where it was; the slider steps from change to change and sets t; the drawing is the reverse map at t, read as the kernel walks it: from the page to its anon_vma, or to the mapping of its file, to every VMA that may map it, to the entry that each has there. Letters behind an entry: w writable, x executable, a accessed, d dirty, as last read by the kernel.${missing}`,
    empty: stories.length ? null : "No page was mapped in this session.",
  });
  if (!stories.length) return;
  const story = { shown: stories[0], state: -2, event: -2 };
  const choose = element("select", { "aria-label": "page", id: "story-page" },
    ...stories.map((one, i) => element("option", { value: i }, `${one.title}: ${one.why}`)));
  const slider = element("input", { type: "range", min: "0", step: "1", id: "story-slider", "aria-label": "changes of the page, in order of time" });
  const told = element("output", { class: "story-told", for: "story-slider" });
  const graph = element("div", { class: "graph", id: "story-graph" });
  const list = element("ol", { class: "events", tabindex: "0", "aria-label": "what happened to the page" });
  place.body.append(element("p", { class: "choose" }, choose,
    element("button", { type: "button", onclick: () => zoomTo(story.shown) }, "zoom to its life")));
  timePanel(place, "what the address referred to, and the list its page was on", STORY_HEIGHT, (plot) => drawStory(plot, story.shown), (t) => tellStory(story.shown, t));
  place.body.append(
    element("div", { class: "slider" },
      element("button", { type: "button", "aria-label": "previous change", onclick: () => step(-1) }, "◀"), slider,
      element("button", { type: "button", "aria-label": "next change", onclick: () => step(1) }, "▶"), told),
    element("div", { class: "story" },
      element("div", {}, element("div", { class: "legend" }, ...legend.map(([word, colour, meaning]) => badge(word, colour, meaning))), graph), list));

  const show = () => {
    story.shown = stories[Number(choose.value)];
    story.state = story.event = -2;
    slider.max = story.shown.times.length - 1;
    list.replaceChildren(...story.shown.events.map(([t, where, text]) => eventLine(t, where, text)),
      ...(story.shown.more_events ? [element("li", {}, `and ${grouped(story.shown.more_events)} more events`)] : []));
    view.announce();
  };
  const step = (by) => {
    const at = Math.min(Math.max(stateAt(story.shown, view.t) + by, 0), story.shown.times.length - 1);
    view.goTo(story.shown.times[at]);
  };
  list.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const { events } = story.shown;
    view.goTo(events[nextEvent(events, view.t, by)][0]);
  });
  slider.addEventListener("input", () => view.goTo(story.shown.times[Number(slider.value)]));
  choose.addEventListener("change", () => {
    show();
    view.goTo(story.shown.times[story.shown.fullest]);
  });
  const panel = { visible: false, redraw: () => showMoment(story, { panel, slider, told, graph, list }) };
  panels.push(panel);
  onlyWhenVisible(panel, graph.parentElement.parentElement);
  show();
}

function badge(word, colour, meaning) {
  const swatch = element("span", { class: "swatch fill", "aria-hidden": "true" });
  swatch.style.setProperty("--swatch", colour);
  return element("span", { class: "key" }, swatch, element("b", {}, word), meaning);
}

function eventLine(t, where, text) {
  const button = element("button", { type: "button", tabindex: "-1", onclick: () => view.goTo(t) },
    element("time", {}, `${seconds(t, 6)}`), element("b", {}, where), element("span", {}, text));
  return element("li", {}, button);
}

/** The last index whose time is not after t; -1 before the first. */
function lastBefore(times, t) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= t) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const stateAt = (story, t) => lastBefore(story.times, t);

/** Of a long story not all drawings are here; then nothing is shown behind the last. */
const drawingAt = (story, t) => {
  const state = stateAt(story, t);
  return state === story.times.length - 1 && !story.last && t > story.times[state] ? -1 : state;
};

async function showMoment(story, { panel, slider, told, graph, list }) {
  const { shown } = story;
  const state = drawingAt(shown, view.t);
  slider.value = Math.max(stateAt(shown, view.t), 0);
  told.textContent = state < 0 ? "before its first entry" : `change ${state + 1} of ${shown.times.length}, since ${seconds(shown.times[state], 6)} s`;
  markEvent(story, list);
  if (!panel.visible) {
    panel.stale = true;
    return;
  }
  panel.stale = false;
  if (story.state === state) return;
  story.state = state;
  const svg = await drawing(shown, state);
  // Another moment may have been asked for meanwhile.
  if (story.state !== state || story.shown !== shown) return;
  graph.replaceChildren(svg ?? element("p", { class: "empty" }, state < 0 ? `Nothing was mapped at ${shown.title} yet at this moment.` : "There is no drawing."));
  graph.dataset.state = state;
}

const vizLibrary = { instance: null };

/** The drawing as an element; colours of the page's own take the place of ink and lines. */
async function drawing(shown, state) {
  if (state < 0) return null;
  let text = shown.svgs?.[state];
  if (shown.dots && loadLibrary("lib-viz")) {
    vizLibrary.instance ??= Viz.instance();
    text = (await vizLibrary.instance).renderString(shown.dots[state], { format: "svg" });
  }
  if (!text) return null;
  for (const [colour, name] of Object.entries(figures.biography.themed)) text = text.replaceAll(colour, `var(--${name})`);
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `reverse map of ${shown.title} at ${seconds(shown.times[state], 6)} s`);
  return svg;
}

/** The nearest event before (by -1) or after (1) the moment; several at one moment count as one. */
function nextEvent(events, t, by) {
  const found = by < 0 ? events.findLastIndex(([at]) => at < t) : events.findIndex(([at]) => at > t);
  return found >= 0 ? found : by < 0 ? 0 : events.length - 1;
}

/** The event that happened last is marked, and brought into sight. */
function markEvent(story, list) {
  const event = lastBefore(story.shown.events.map(([t]) => t), view.t);
  if (story.event === event) return;
  list.children[story.event]?.removeAttribute("aria-current");
  story.event = event;
  const item = list.children[event];
  item?.setAttribute("aria-current", "true");
  list.scrollTop = item ? item.offsetTop - list.offsetTop - list.clientHeight / 2 : 0;
}

function zoomTo(shown) {
  const begin = shown.times[0];
  const end = shown.entry.end.reduce((last, t) => Math.max(last, t), begin);
  const margin = (end - begin) * 0.03;
  view.set({ from: begin - margin, to: end + margin, t: Math.max(view.t, begin) });
}

/** Two lanes: what the address referred to, and the list that its page was on; a tick for each change. */
function drawStory(plot, shown) {
  const tall = plot.height / 2;
  const lane = (spans, colours, top) => {
    for (let i = 0; i < spans.what.length; i++) {
      if (spans.end[i] < view.from || spans.begin[i] > view.to) continue;
      const from = Math.max(plot.x(spans.begin[i]), plot.left);
      plot.ctx.fillStyle = theme.colour(colours[spans.what[i]]);
      plot.ctx.fillRect(from, top + 4, Math.max(Math.min(plot.x(spans.end[i]), plot.right) - from, 1), tall - 10);
    }
  };
  plot.clipped((ctx) => {
    ctx.fillStyle = theme.colour("free");
    ctx.fillRect(plot.left, plot.top, plot.width, plot.height);
    lane(shown.entry, ENTRY_LOOK.map(([, colour]) => colour), plot.top);
    lane(shown.lists, LIST_COLOURS, plot.top + tall);
    for (const t of shown.times) line(ctx, plot.x(t), plot.bottom - 5, plot.x(t), plot.bottom, theme.colour("muted"));
  });
  plot.valueAxis([[plot.top + tall / 2, "where"], [plot.top + tall * 1.5, "list"]], "", false);
  plot.timeAxis();
}

function tellStory(shown, t) {
  const within = (spans) => spans.what.findLast((_, i) => spans.begin[i] <= t && t < spans.end[i]);
  const entry = within(shown.entry);
  const list = within(shown.lists);
  if (entry === undefined) return "the address has no entry";
  return ENTRY_LOOK[entry][0] + (list === undefined ? "" : `, on ${LISTS[list]}`);
}
