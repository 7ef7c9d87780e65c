/* How far back evicted pages came, of the time in view. */

const HISTOGRAM_HEIGHT = 260;

function startRefault() {
  const { refault } = figures;
  const place = fillPanel("refault", {
    keys: [key("a fault waited for it", "blue"), key("read ahead, nobody waited", "sky"), key("frames of RAM", "vermilion", "dashes")],
    how: "How many other pages were evicted between a page's own eviction and its return. Left of the dashed line the distance is below the number of frames: a better choice could have kept the page, and its eviction was a mistake. Counts are of the time in view, and follow the brush.",
    empty: refault.n.length ? null : "No evicted page came back in this session.",
  });
  if (!refault.n.length) return;
  const canvas = element("canvas", { role: "img", "aria-label": "refaults by distance", tabindex: "0" });
  place.body.append(canvas);
  keyboard(canvas);
  const plot = new Plot(canvas, HISTOGRAM_HEIGHT);
  const panel = { canvas, visible: true };
  panel.redraw = () => {
    if (!panel.visible) {
      panel.stale = true;
      return;
    }
    panel.stale = false;
    const counts = refaultsInView(refault);
    plot.begin();
    drawHistogram(plot, counts);
    place.readout.textContent = tellRefaults(counts);
  };
  panels.push(panel);
  onlyWhenVisible(panel, canvas);
}

/** [read ahead, waited for] by bucket, and how many lie surely below the number of frames. */
function refaultsInView(refault) {
  const buckets = Array.from({ length: extent(refault.bucket)[1] + 1 }, () => [0, 0]);
  const { map_bins: bins } = figures.clock;
  const scale = bins / (view.end - view.begin);
  const [first, last] = [Math.floor((view.from - view.begin) * scale), Math.ceil((view.to - view.begin) * scale)];
  for (let i = 0; i < refault.n.length; i++) {
    if (refault.bin[i] >= first && refault.bin[i] < last) buckets[refault.bucket[i]][refault.waited[i]] += refault.n[i];
  }
  return buckets;
}

const bucketFrom = (bucket) => (bucket ? 2 ** (bucket - 1) : 0);

function drawHistogram(plot, counts) {
  const { ctx } = plot;
  const most = Math.max(...counts.map(([ahead, waited]) => ahead + waited), 1);
  const step = Math.max(niceStep(most, 4), 1);
  const y = (n) => plot.bottom - (n / most) * plot.height * 0.94;
  const ticks = [];
  for (let n = 0; n <= most; n += step) ticks.push([y(n), grouped(n)]);
  plot.valueAxis(ticks, "refaults");
  const wide = plot.width / counts.length;
  counts.forEach(([ahead, waited], bucket) => {
    const x = plot.left + bucket * wide;
    ctx.fillStyle = theme.colour("blue");
    ctx.fillRect(x + 2, y(waited), wide - 4, plot.bottom - y(waited));
    ctx.fillStyle = theme.colour("sky");
    ctx.fillRect(x + 2, y(waited + ahead), wide - 4, y(waited) - y(waited + ahead));
    ctx.fillStyle = theme.colour("muted");
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    if (wide > 34 || bucket % 2 === 0) ctx.fillText(short(bucketFrom(bucket)), x + wide / 2, plot.bottom + 7);
  });
  line(ctx, plot.left, plot.bottom, plot.right, plot.bottom, theme.colour("line"));
  ctx.fillText("distance in evictions, from this number to below the next", plot.left + plot.width / 2, plot.bottom + 24);
  framesLine(plot, counts.length, wide);
}

/** 65536 as 64 Ki: buckets are powers of two. */
const short = (n) => (n >= 1 << 20 ? `${n >> 20} Mi` : n >= 1024 ? `${n >> 10} Ki` : String(n));

function framesLine(plot, buckets, wide) {
  const frames = figures.summary.machine.nr_frames;
  if (!frames) return;
  const place = Math.log2(frames) + 1;
  if (place > buckets) return;
  const x = plot.left + place * wide;
  line(plot.ctx, x, plot.top, x, plot.bottom, theme.colour("vermilion"), 2, [6, 4]);
  plot.ctx.fillStyle = theme.colour("vermilion");
  plot.ctx.textAlign = x > plot.left + plot.width - 130 ? "right" : "left";
  plot.ctx.textBaseline = "top";
  plot.ctx.fillText(`${grouped(frames)} frames`, x + (plot.ctx.textAlign === "left" ? 6 : -6), plot.top);
}

function tellRefaults(counts) {
  const [ahead, waited] = counts.reduce((sum, pair) => [sum[0] + pair[0], sum[1] + pair[1]], [0, 0]);
  return `in view: ${counted(ahead + waited, "refault")}, ${grouped(waited)} with somebody waiting, ${grouped(ahead)} read ahead`;
}
