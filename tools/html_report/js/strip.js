/* What every frame, or swap slot, was used for over time. */

const STRIP_HEIGHT = 400;

const FRAME_LOOK = {
  free: ["free", "free"], kernel: ["kernel", "kernel"], pgtable: ["page tables", "purple"], anon: ["anonymous, on no list", "yellow"],
  active_anon: ["active_anon", "vermilion"], inactive_anon: ["inactive_anon", "blue"], isolated: ["isolated by reclaim", "green"], file: ["file", "sky"],
  unevictable: ["unevictable", "orange"],
};
const SLOT_LOOK = {
  free: ["free", "free"], "only in swap": ["only in swap", "purple"], "also in memory": ["also in memory (swap cache)", "orange"],
};

function startFrames() {
  const { frames } = figures;
  const place = fillPanel("frames", {
    keys: [...stripKeys(frames, FRAME_LOOK), doubtKey(), killKey()],
    how: `From bottom to top the frames of RAM by number, ${frames.a_row === 1 ? "one a row" : `${frames.a_row} a row`}; from left to right time. A cell has the colour of the state that most of its frames were in for most of its time. Vertical stripes are waves of eviction; horizontal lines are frames that stay what they are. Frames that the kernel's image or the firmware keeps are not shown.`,
    empty: frames.rows ? null : "The trace tells of no frame.",
  });
  if (frames.rows) stripPanel(place, frames, FRAME_LOOK, "frame number (pfn)", "states of frames over time", (number) => `frame ${number}`);
}

function startSlots() {
  const { slots } = figures;
  const place = fillPanel("slots", {
    keys: slots.used ? [...stripKeys(slots, SLOT_LOOK), doubtKey(), killKey()] : [],
    how: `From bottom to top the slots of the swap area by number, ${slots.a_row === 1 ? "one a row" : `${slots.a_row} a row`}. A slot is taken when reclaim chooses a page, and free again when no page-table entry and no copy in the swap cache refers to it. Slots that are also in memory cost no write when their page is evicted again unchanged.`,
    empty: slots.used ? null : slots.rows ? `No slot of ${grouped(slots.count)} was ever used: memory sufficed.` : "The machine had no swap.",
  });
  if (slots.used) stripPanel(place, slots, SLOT_LOOK, "swap slot", "states of swap slots over time", (number) => `slot ${number}`);
}

/** Only of states that occur. */
function stripKeys(strip, look) {
  const seen = new Set(strip.cells);
  return strip.states.filter((_, state) => seen.has(state)).map((name) => key(look[name][0], look[name][1]));
}

function stripPanel(place, strip, look, title, label, nameOf) {
  let bitmap = null;
  theme.listeners.push(() => { bitmap = null; });
  timePanel(place, label, STRIP_HEIGHT, (plot) => {
    bitmap ??= stripBitmap(strip, look);
    const scale = strip.bins / (view.end - view.begin);
    plot.clipped((ctx) => {
      ctx.imageSmoothingEnabled = false;
      ctx.drawImage(bitmap, (view.from - view.begin) * scale, 0, (view.to - view.from) * scale, strip.rows, plot.left, plot.top, plot.width, plot.height);
    });
    plot.valueAxis(stripTicks(plot, strip), title, false);
    plot.timeAxis();
  }, (t, y) => tellStrip(strip, look, nameOf, t, y));
}

/** A pixel a cell; row 0 is at the bottom. */
function stripBitmap(strip, look) {
  const image = new ImageData(strip.bins, strip.rows);
  const colours = strip.states.map((name) => {
    const [red, green, blue] = rgb(theme.colour(look[name][1]));
    return (255 << 24) | (blue << 16) | (green << 8) | red;
  });
  const pixels = new Int32Array(image.data.buffer);
  for (let row = 0; row < strip.rows; row++) {
    const into = (strip.rows - 1 - row) * strip.bins;
    for (let bin = 0; bin < strip.bins; bin++) pixels[into + bin] = colours[strip.cells[row * strip.bins + bin]];
  }
  const canvas = element("canvas", { width: strip.bins, height: strip.rows });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Numbers at rows a nice step apart: rows, not numbers, are evenly spaced, since there are holes. */
function stripTicks(plot, strip) {
  const step = Math.max(Math.round(niceStep(strip.rows, plot.height / 45)), 1);
  const ticks = [];
  for (let row = 0; row < strip.rows; row += step) {
    ticks.push([plot.bottom - (row / strip.rows) * plot.height, String(strip.first[row])]);
  }
  return ticks;
}

function tellStrip(strip, look, nameOf, t, y) {
  const bin = Math.min(Math.floor(((t - view.begin) / (view.end - view.begin)) * strip.bins), strip.bins - 1);
  if (y === null) {
    const counts = new Array(strip.states.length).fill(0);
    for (let row = 0; row < strip.rows; row++) counts[strip.cells[row * strip.bins + bin]]++;
    return "of the rows, " + strip.states.map((name, i) => [counts[i], name]).filter(([n]) => n).sort((a, b) => b[0] - a[0])
      .map(([n, name]) => `${n * 100 < strip.rows ? "under 1" : Math.round((100 * n) / strip.rows)} % ${look[name][0]}`).join(", ");
  }
  const share = (STRIP_HEIGHT - MARGIN.bottom - y) / (STRIP_HEIGHT - MARGIN.bottom - MARGIN.top);
  const row = Math.floor(share * strip.rows);
  if (row < 0 || row >= strip.rows) return "";
  const last = row + 1 < strip.rows ? strip.first[row + 1] - 1 : strip.last;
  const names = strip.first[row] === last ? nameOf(last) : `${nameOf(strip.first[row])} to ${last}`;
  return `${names}: ${look[strip.states[strip.cells[row * strip.bins + bin]]][0]}`;
}
