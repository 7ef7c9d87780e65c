/* Faults by time and latency. */

const HEAT_HEIGHT = 300;
const HEAT_CELL = 4; // least width of a cell in pixels
const LEAST_FOR_MEDIAN = 3;
const STALL_HEIGHT = 5;

function startLatency() {
  const { latency } = figures;
  const chosen = new Set(latency.kinds.keys());
  const buttons = latency.kinds.map((kind, i) => {
    const total = latency.n.reduce((sum, n, at) => sum + (latency.kind[at] === i ? n : 0), 0);
    const button = element("button", { type: "button", "aria-pressed": "true", title: `${grouped(total)} faults` }, kind);
    button.addEventListener("click", () => {
      if (!chosen.delete(i)) chosen.add(i);
      button.setAttribute("aria-pressed", chosen.has(i));
      view.announce();
    });
    return button;
  });
  const scale = element("span", { class: "key ramp" }, "1", element("span", { class: "gradient", "aria-hidden": "true" }), element("span", { class: "most" }));
  const place = fillPanel("latency", {
    keys: [scale, key("median of its column, of 3 faults or more", "ink", "line"), figures.stalls.begin.length ? key("a CPU waited for the trace", "vermilion") : "", doubtKey(), killKey()],
    tools: [element("span", { class: "tools-label" }, "kinds:"), ...buttons],
    how: `Each cell counts the faults that trapped in that time and took that long, from the trap to its end; darker (in the dark: brighter) is more, by the logarithm of the count. A fault that is served from memory lies in the band of microseconds; one that waits for the disk in that of milliseconds; streaks upwards are times when memory had run out.${figures.stalls.begin.length ? " The line at the top marks times at which recording itself held a CPU up." : ""}${latency.unended ? ` ${counted(latency.unended, "fault")} had not ended when the trace did and is not drawn.` : ""}`,
    empty: latency.kinds.length ? null : "No page fault ended in this session.",
  });
  if (!latency.kinds.length) return;
  const [low, high] = extent(latency.row);
  const rows = { low: Math.max(low - 1, 0), high: Math.min(high + 2, latency.rows) };
  let grid = null;
  timePanel(place, "page faults by time and latency", HEAT_HEIGHT, (plot) => {
    grid = heatGrid(plot, latency, chosen, rows);
    heatAxes(plot, latency, rows);
    drawHeat(plot, grid);
    plot.clipped((ctx) => drawBand(ctx, figures.stalls, (t) => plot.x(t), plot.left, plot.width, plot.top, STALL_HEIGHT, theme.colour("vermilion"), 1, 0.6));
    scale.querySelector(".most").textContent = grouped(grid.most);
  }, (t, y) => tellHeat(grid, t, y));
}

function extent(values) {
  let [low, high] = [Infinity, 0];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

/** Counts by column of the picture and row; a column is one or more whole bins. */
function heatGrid(plot, latency, chosen, rows) {
  const { map_bins: bins } = figures.clock;
  const length = (view.end - view.begin) / bins;
  const visible = (view.to - view.from) / length;
  const merge = Math.max(1, Math.ceil(visible / (plot.width / HEAT_CELL)));
  const first = Math.floor(Math.floor((view.from - view.begin) / length) / merge);
  const columns = Math.ceil((view.to - view.begin) / length / merge) - first + 1;
  const height = rows.high - rows.low;
  const cells = new Uint32Array(columns * height);
  let most = 0;
  for (let i = 0; i < latency.n.length; i++) {
    const column = Math.floor(latency.bin[i] / merge) - first;
    if (column < 0 || column >= columns || !chosen.has(latency.kind[i])) continue;
    const at = column * height + latency.row[i] - rows.low;
    cells[at] += latency.n[i];
    most = Math.max(most, cells[at]);
  }
  return { cells, columns, first, merge, length: length * merge, height, most, rows, latency, plot };
}

function drawHeat(plot, grid) {
  const ramp = heatRamp();
  const tall = plot.height / grid.height;
  plot.clipped((ctx) => {
    const medians = [];
    for (let column = 0; column < grid.columns; column++) {
      const begin = view.begin + (grid.first + column) * grid.length;
      const [from, to] = [plot.x(begin), plot.x(begin + grid.length)];
      for (let row = 0; row < grid.height; row++) {
        const n = grid.cells[column * grid.height + row];
        if (!n) continue;
        const share = grid.most > 1 ? Math.log(n) / Math.log(grid.most) : 1;
        ctx.fillStyle = `rgb(${onRamp(ramp, share).join(",")})`;
        const y = plot.bottom - (row + 1) * tall;
        ctx.fillRect(Math.floor(from), Math.floor(y), Math.max(Math.ceil(to) - Math.floor(from), 1), Math.ceil(y + tall) - Math.floor(y));
      }
      const median = medianRow(grid, column);
      if (median !== null) medians.push([from, to, plot.bottom - (median + 0.5) * tall]);
    }
    for (const [from, to, y] of medians) line(ctx, from, y, Math.max(to, from + 2), y, theme.colour("ink"), 2);
  });
}

/** The row that the median fault of a column lies in; null with too few faults to speak of one. */
function medianRow(grid, column) {
  const counts = grid.cells.subarray(column * grid.height, (column + 1) * grid.height);
  const total = counts.reduce((sum, n) => sum + n, 0);
  let seen = 0;
  if (total < LEAST_FOR_MEDIAN) return null;
  for (let row = 0; row < counts.length; row++) {
    seen += counts[row];
    if (seen * 2 >= total) return row;
  }
  return null;
}

const latencyOfRow = (latency, row) => latency.lowest_ns * 10 ** (row / latency.rows_a_decade);

function heatAxes(plot, latency, rows) {
  const ticks = [];
  const tall = plot.height / (rows.high - rows.low);
  for (let row = 0; row <= latency.rows; row += latency.rows_a_decade) {
    if (row < rows.low || row > rows.high) continue;
    const [value, unit] = duration(latencyOfRow(latency, row) * 1.0000001).split(" ");
    ticks.push([plot.bottom - (row - rows.low) * tall, `${Math.round(parseFloat(value))} ${unit}`]);
  }
  plot.valueAxis(ticks, "latency", true);
  plot.timeAxis();
}

function tellHeat(grid, t, y) {
  const { plot, latency } = grid;
  const column = Math.floor((t - view.begin) / grid.length) - grid.first;
  if (column < 0 || column >= grid.columns) return "out of view";
  const counts = grid.cells.subarray(column * grid.height, (column + 1) * grid.height);
  const total = counts.reduce((sum, n) => sum + n, 0);
  const median = medianRow(grid, column);
  let text = `${counted(total, "fault")} in ${duration(grid.length)}`;
  if (median !== null) text += `, median about ${duration(latencyOfRow(latency, median + grid.rows.low + 0.5))}`;
  if (y !== null) {
    const row = Math.floor(((plot.bottom - y) / plot.height) * grid.height);
    if (row >= 0 && row < grid.height) {
      const from = row + grid.rows.low;
      text += `; ${grouped(counts[row])} of ${duration(latencyOfRow(latency, from))} to ${duration(latencyOfRow(latency, from + 1))}`;
    }
  }
  return text;
}
