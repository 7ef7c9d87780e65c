/* Lines over time: uPlot draws them, or, in a page built without it, drawLines() below. */

const LINES_HEIGHT = 270;

/**
 * @param {{body: HTMLElement, readout: HTMLElement}} place
 * @param {object} spec label; series: [{name, values, colour, dash, fill}]; title of the value axis; log;
 *   top: highest value; behind: draws bands; guides: [{name, value, colour, dash}]; tell(bin)
 */
function linePanel(place, spec) {
  const binOf = (t) => Math.min(Math.floor(((t - view.begin) / (view.end - view.begin)) * figures.clock.line_bins), figures.clock.line_bins - 1);
  const tell = (t) => spec.tell(binOf(t));
  if (typeof uPlot === "function") uplotPanel(place, spec, tell);
  else timePanel(place, spec.label, LINES_HEIGHT, (plot) => drawLines(plot, spec), tell);
}

/** Values as the scale can show them: a logarithm has no zero. */
const shown = (value, log) => (value < 0 ? null : log ? Math.max(value, 1) : value);

function uplotPanel(place, spec, tell) {
  const host = element("div", { class: "uplot-host", tabindex: "0", role: "img", "aria-label": spec.label });
  place.body.append(host);
  const { line_bins: bins } = figures.clock;
  const times = Float64Array.from({ length: bins }, (_, i) => view.begin + ((i + 0.5) / bins) * (view.end - view.begin));
  const panel = { canvas: host, visible: true };
  let chart = null;

  const build = () => {
    chart?.destroy();
    const data = [times, ...spec.series.map(({ values }) => Array.from(values, (value) => shown(value, spec.log)))];
    chart = new uPlot(uplotOptions(spec, host.clientWidth), data, host);
    chart.setScale("x", { min: view.from, max: view.to });
  };
  panel.redraw = () => {
    if (!panel.visible) {
      panel.stale = true;
      return;
    }
    panel.stale = false;
    if (!chart || panel.rebuild) build();
    panel.rebuild = false;
    if (chart.width !== host.clientWidth) chart.setSize({ width: host.clientWidth, height: LINES_HEIGHT });
    chart.setScale("x", { min: view.from, max: view.to });
    chart.redraw(false);
    const t = view.hover ?? view.t;
    place.readout.textContent = `${view.hover === null ? "at t" : "pointer"} ${moment(t)}: ${tell(t)}`;
  };
  spec.rebuild = () => {
    panel.rebuild = true;
    panel.redraw();
  };
  theme.listeners.push(() => { panel.rebuild = true; });
  const timeAt = (x) => view.from + Math.min(Math.max((x - MARGIN.left) / (host.clientWidth - MARGIN.left - MARGIN.right), 0), 1) * (view.to - view.from);
  pointer(host, timeAt);
  keyboard(host);
  panels.push(panel);
  onlyWhenVisible(panel, host);
}

function uplotOptions(spec, width) {
  const axis = { stroke: theme.colour("muted"), font: FONT, labelFont: FONT, ticks: { stroke: theme.colour("line"), width: 1, size: 5 } };
  return {
    width, height: LINES_HEIGHT,
    padding: [MARGIN.top, MARGIN.right, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, auto: false },
      y: spec.log ? { distr: 3, log: 10, auto: false, range: () => [spec.least, spec.top * 1.15] } : { auto: false, range: () => [0, spec.top * 1.05] },
    },
    axes: [
      { ...axis, scale: "x", size: MARGIN.bottom - 16, gap: 3, label: "seconds since boot", labelSize: 16, labelGap: 0, grid: { show: false },
        splits: () => timeTicks(width - MARGIN.left - MARGIN.right).splits,
        values: () => timeTicks(width - MARGIN.left - MARGIN.right).labels },
      { ...axis, scale: "y", size: MARGIN.left - 18, label: spec.title, labelSize: 18, grid: { stroke: theme.colour("grid"), width: 1 },
        splits: () => valueTicks(spec).map(([value]) => value), values: () => valueTicks(spec).map(([, label]) => label) },
    ],
    series: [{}, ...spec.series.map(({ colour, dash, width: thick }) => ({
      stroke: theme.colour(colour), width: thick ?? 1.6, dash, points: { show: false }, spanGaps: false,
    }))],
    bands: spec.series.flatMap(({ fillTo, colour }, i) => (fillTo === undefined ? [] : [{ series: [i + 1, fillTo + 1], fill: faded(theme.colour(colour), 0.3) }])),
    hooks: {
      drawClear: [(chart) => inCssPixels(chart, (ctx, place) => drawBehind(ctx, place, spec))],
      draw: [(chart) => inCssPixels(chart, (ctx, place) => drawBefore(ctx, place, spec))],
    },
  };
}

/** Calls draw with uPlot's canvas, clipped, and the plot's place, in CSS pixels. */
function inCssPixels(chart, draw) {
  const { ctx, bbox } = chart;
  const scale = devicePixelRatio || 1;
  const place = {
    left: bbox.left / scale, top: bbox.top / scale, width: bbox.width / scale, height: bbox.height / scale,
    x: (t) => chart.valToPos(t, "x", true) / scale, y: (value) => chart.valToPos(value, "y", true) / scale,
  };
  ctx.save();
  ctx.scale(scale, scale);
  ctx.font = FONT;
  ctx.beginPath();
  ctx.rect(place.left, place.top, place.width, place.height);
  ctx.clip();
  draw(ctx, place);
  ctx.restore();
}

function drawBehind(ctx, place, spec) {
  spec.behind?.(ctx, place);
}

function drawBefore(ctx, place, spec) {
  for (const { value, colour, dash } of spec.guides ?? []) {
    line(ctx, place.left, place.y(value), place.left + place.width, place.y(value), theme.colour(colour), 1.5, dash);
  }
  drawDoubt(ctx, figures.doubtful, place.x, place.top, place.height);
  drawMoments(ctx, place.x, place.top, place.height);
}

function timeTicks(width) {
  const step = niceStep((view.to - view.from) / NS, width / TICK_SPACE);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const splits = [];
  for (let n = Math.ceil(view.from / NS / step); n * step * NS <= view.to; n++) splits.push(n * step * NS);
  return { splits, labels: splits.map((t) => seconds(t, digits)) };
}

function valueTicks(spec) {
  const ticks = [];
  if (spec.log) {
    for (let power = 1; power <= spec.top * 1.15; power *= 10) {
      for (const value of [power, 2 * power, 5 * power]) {
        if (value >= spec.least && value <= spec.top * 1.15) ticks.push([value, grouped(value)]);
      }
    }
  } else {
    const step = Math.max(niceStep(spec.top, 5), 1);
    for (let value = 0; value <= spec.top * 1.05; value += step) ticks.push([value, grouped(value)]);
  }
  return ticks;
}

/** The same on a canvas of our own. */
function drawLines(plot, spec) {
  const { ctx } = plot;
  const top = spec.top * (spec.log ? 1.15 : 1.05);
  const share = (value) => (spec.log ? Math.log(Math.max(value, spec.least) / spec.least) / Math.log(top / spec.least) : value / top);
  const y = (value) => plot.bottom - plot.height * share(value);
  const place = { left: plot.left, top: plot.top, width: plot.width, height: plot.height, x: (t) => plot.x(t), y };
  plot.clipped(() => drawBehind(ctx, place, spec));
  plot.valueAxis(valueTicks(spec).map(([value, label]) => [y(value), label]), spec.title);
  plot.timeAxis();
  const { line_bins: bins } = figures.clock;
  const first = Math.max(Math.floor(((view.from - view.begin) / (view.end - view.begin)) * bins) - 1, 0);
  const last = Math.min(Math.ceil(((view.to - view.begin) / (view.end - view.begin)) * bins) + 1, bins);
  plot.clipped(() => {
    for (const { values, colour, dash } of spec.series) {
      ctx.beginPath();
      ctx.strokeStyle = theme.colour(colour);
      ctx.lineWidth = 1.6;
      ctx.setLineDash(dash ?? []);
      for (let i = first; i < last; i++) {
        if (values[i] >= 0) ctx.lineTo(plot.x(view.begin + ((i + 0.5) / bins) * (view.end - view.begin)), y(values[i]));
      }
      ctx.stroke();
    }
    ctx.setLineDash([]);
    for (const guide of spec.guides ?? []) {
      line(ctx, plot.left, y(guide.value), plot.right, y(guide.value), theme.colour(guide.colour), 1, guide.dash);
    }
  });
}

const range = (low, high) => (low === high ? grouped(low) : `${grouped(low)} to ${grouped(high)}`);

function startFreeMemory() {
  const { fewest, most } = figures.free;
  const { machine } = figures.summary;
  const guides = machine.nr_cpus ? ["high", "low", "min"].map((name, i) => ({
    name, value: machine[`watermark_${name}`], colour: ["green", "orange", "vermilion"][i], dash: [[6, 4], [3, 3], [1, 2]][i],
  })) : [];
  // A decade begins below whatever is drawn.
  const lowest = Math.min(machine.watermark_min ?? 10, fewest.reduce((low, value) => (value < 0 ? low : Math.min(low, value)), Infinity));
  const spec = {
    least: 10 ** Math.floor(Math.log10(Math.max(lowest, 1))),
    label: "free frames over time, against the watermarks, with bands where kswapd and direct reclaim worked",
    series: [{ values: most, colour: "blue", fillTo: 1, width: 1 }, { values: fewest, colour: "blue" }],
    title: "free frames", log: true, top: most.reduce((high, value) => Math.max(high, value), 10), guides,
    behind: (ctx, place) => {
      for (const [name, colour, strongest] of [["kswapd", "sky", 0.45], ["direct", "orange", 0.75]]) {
        drawBand(ctx, figures.reclaim[name], place.x, place.left, place.width, place.top, place.height, theme.colour(colour), strongest);
      }
    },
    tell: (bin) => (fewest[bin] < 0 ? "nothing known yet" : `${range(fewest[bin], most[bin])} frames free (${mebibytes(fewest[bin])} at the least)`),
  };
  const scale = element("button", { type: "button", "aria-pressed": "true" }, "logarithmic");
  scale.addEventListener("click", () => {
    spec.log = !spec.log;
    scale.setAttribute("aria-pressed", spec.log);
    if (spec.rebuild) spec.rebuild();
    else view.announce();
  });
  const place = fillPanel("free", {
    keys: [key("free frames, fewest to most", "blue", "line"), ...guides.map((guide, i) => key(`${guide.name} (${grouped(guide.value)})`, guide.colour, i < 2 ? "dashes" : "dots")),
      key("kswapd works", "sky"), key("direct reclaim", "orange"), doubtKey(), killKey()],
    tools: [scale],
    how: "Below low an allocation wakes kswapd (sky bands), which works until high is reached; below min a task must reclaim itself before it gets memory (orange bands: somebody waits). The stronger a band, the more of that time it covers. The scale is logarithmic, so that the watermarks are seen; the button makes it linear.",
  });
  linePanel(place, spec);
}

/** Always there: that nothing is in doubt is worth saying. */
const doubtKey = () => (figures.doubtful.length
  ? element("span", { class: "keys" }, key("events missing", "doubt"), key("uncertain", "doubt", "hatch"))
  : key("uncertain: never", "doubt", "hatch"));
const killKey = () => (figures.oom.total ? key("OOM kill", "doubt", "dots") : null);

const LIST_LOOK = {
  active_anon: ["vermilion"], inactive_anon: ["blue", [7, 4]], active_file: ["orange"], inactive_file: ["sky", [7, 4]],
  unevictable: ["ink", [2, 3]], isolated: ["green", [2, 3]],
};

function startLru() {
  const lists = Object.entries(figures.lru).filter(([, values]) => values.some((value) => value > 0));
  const place = fillPanel("lru", {
    keys: [...lists.map(([name]) => key(name, LIST_LOOK[name][0], LIST_LOOK[name][1] ? "dashes" : "line")), doubtKey(), killKey()],
    how: "How many pages stand on each list. Reclaim takes from the tail of the inactive list; a page found accessed there is kept or goes to the active list, and the active list gives up its oldest to the inactive one. Isolated pages are in the hands of reclaim: looked at, or being written. Drawn are the lengths at the end of each of 4,096 steps.",
    empty: lists.length ? null : "No page was ever on a list in this session.",
  });
  if (!lists.length) return;
  const top = lists.reduce((high, [, values]) => Math.max(high, ...values.reduce((pair, value) => [Math.max(pair[0], value)], [1])), 1);
  linePanel(place, {
    label: "lengths of the LRU lists over time", title: "pages", top,
    series: lists.map(([name, values]) => ({ name, values, colour: LIST_LOOK[name][0], dash: LIST_LOOK[name][1] })),
    tell: (bin) => lists.map(([name, values]) => `${name} ${grouped(values[bin])}`).join(", "),
  });
}
