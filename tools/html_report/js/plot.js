/* A canvas with a time axis: its place on the page, axes, and what lies behind and before the figures. */

const MARGIN = { left: 76, right: 18, top: 12, bottom: 42 };
const TICK_SPACE = 72; // least distance of labels on the time axis
const FONT = '12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif';

/** A canvas as large as its place, in units of CSS pixels. */
class Plot {
  constructor(canvas, height, margin = MARGIN) {
    this.canvas = canvas;
    this.total = height;
    this.margin = margin;
    canvas.style.height = `${height}px`;
  }

  /** Fits the bitmap to the element and clears it. */
  begin() {
    const width = this.canvas.clientWidth;
    const scale = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(this.total * scale);
    this.ctx = this.canvas.getContext("2d");
    this.ctx.setTransform(scale, 0, 0, scale, 0, 0);
    this.ctx.font = FONT;
    this.left = this.margin.left;
    this.top = this.margin.top;
    this.width = Math.max(width - this.margin.left - this.margin.right, 10);
    this.height = this.total - this.margin.top - this.margin.bottom;
    return this.ctx;
  }

  get bottom() {
    return this.top + this.height;
  }

  get right() {
    return this.left + this.width;
  }

  x(t) {
    return this.left + ((t - view.from) / (view.to - view.from)) * this.width;
  }

  /** The moment at a place of the canvas. */
  t(x) {
    const share = Math.min(Math.max((x - this.left) / this.width, 0), 1);
    return view.from + share * (view.to - view.from);
  }

  /** Draws only inside the plot. */
  clipped(draw) {
    this.ctx.save();
    this.ctx.beginPath();
    this.ctx.rect(this.left, this.top, this.width, this.height);
    this.ctx.clip();
    draw(this.ctx);
    this.ctx.restore();
  }

  timeAxis(title = true) {
    const { ctx } = this;
    const step = niceStep((view.to - view.from) / NS, this.width / TICK_SPACE);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    for (let n = Math.ceil(view.from / NS / step); n * step * NS <= view.to; n++) {
      const x = this.x(n * step * NS);
      line(ctx, x, this.bottom, x, this.bottom + 5, theme.colour("line"));
      ctx.fillStyle = theme.colour("muted");
      const label = (n * step).toFixed(digits);
      const half = ctx.measureText(label).width / 2;
      ctx.fillText(label, Math.min(x, this.right + this.margin.right - half - 1), this.bottom + 8);
    }
    line(ctx, this.left, this.bottom, this.right, this.bottom, theme.colour("line"));
    if (title) {
      ctx.fillStyle = theme.colour("muted");
      ctx.fillText("seconds since boot", this.left + this.width / 2, this.bottom + 24);
    }
  }

  /** Ticks are [y, label]; grid lines cross the plot. */
  valueAxis(ticks, title, grid = true) {
    const { ctx } = this;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (const [y, label] of ticks) {
      if (grid) line(ctx, this.left, y, this.right, y, theme.colour("grid"));
      else line(ctx, this.left - 4, y, this.left, y, theme.colour("line"));
      ctx.fillStyle = theme.colour("muted");
      ctx.fillText(label, this.left - 8, y);
    }
    line(ctx, this.left, this.top, this.left, this.bottom, theme.colour("line"));
    ctx.save();
    ctx.translate(13, this.top + this.height / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = "center";
    ctx.fillStyle = theme.colour("muted");
    ctx.fillText(title, 0, 0);
    ctx.restore();
  }
}

function line(ctx, x0, y0, x1, y1, colour, width = 1, dash = []) {
  ctx.beginPath();
  ctx.setLineDash(dash);
  ctx.lineWidth = width;
  ctx.strokeStyle = colour;
  // Odd widths are sharp at half pixels.
  const half = width % 2 ? 0.5 : 0;
  ctx.moveTo(Math.round(x0) + (x0 === x1 ? half : 0), Math.round(y0) + (y0 === y1 ? half : 0));
  ctx.lineTo(Math.round(x1) + (x0 === x1 ? half : 0), Math.round(y1) + (y0 === y1 ? half : 0));
  ctx.stroke();
  ctx.setLineDash([]);
}

/** Diagonal lines in the colour of doubt. */
function hatching(ctx) {
  const size = 8;
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const on = tile.getContext("2d");
  on.strokeStyle = theme.colour("doubt");
  on.lineWidth = 1.6;
  on.beginPath();
  for (const at of [-size, 0, size]) {
    on.moveTo(at, size);
    on.lineTo(at + size, 0);
  }
  on.stroke();
  return ctx.createPattern(tile, "repeat");
}

/**
 * Spans of time as a band whose strength, from weakest to strongest, is the share of each pixel's time that they cover.
 * @param {{begin: Float64Array, end: Float64Array}} spans
 */
function drawBand(ctx, spans, x, left, width, top, height, colour, strongest, weakest = strongest / 8) {
  const shares = new Float64Array(Math.ceil(width) + 1);
  const n = spans.begin.length;
  for (let i = 0; i < n; i++) {
    if (spans.end[i] < view.from || spans.begin[i] > view.to) continue;
    const from = Math.max(x(spans.begin[i]) - left, 0);
    const to = Math.min(x(spans.end[i]) - left, width);
    for (let pixel = Math.floor(from); pixel <= to && pixel < shares.length; pixel++) {
      shares[pixel] += Math.max(Math.min(to, pixel + 1) - Math.max(from, pixel), 0);
    }
  }
  for (let pixel = 0; pixel < shares.length; pixel++) {
    if (!shares[pixel]) continue;
    ctx.fillStyle = faded(colour, weakest + (strongest - weakest) * Math.min(shares[pixel], 1));
    ctx.fillRect(left + pixel, top, 1, height);
  }
}

/** Red where events are missing, hatched where the state is uncertain, over whatever was drawn there. */
function drawDoubt(ctx, doubtful, x, top, height) {
  for (const period of doubtful) {
    if (period.end < view.from || period.begin > view.to) continue;
    const from = x(Math.max(period.begin, view.from));
    const width = Math.max(x(Math.min(period.end, view.to)) - from, 2);
    ctx.fillStyle = period.kind === "missing" ? faded(theme.colour("doubt"), 0.45) : hatching(ctx);
    ctx.fillRect(from, top, width, height);
  }
}

/** The marks of the session, the moment that is looked at, and the one under the pointer. */
function drawMoments(ctx, x, top, height) {
  for (const mark of view.marks) {
    if (mark.t < view.from || mark.t > view.to) continue;
    if (mark.kind === "oom") line(ctx, x(mark.t), top, x(mark.t), top + height, theme.colour("doubt"), 1, [2, 3]);
  }
  if (view.hover !== null && view.hover >= view.from && view.hover <= view.to) {
    line(ctx, x(view.hover), top, x(view.hover), top + height, theme.colour("muted"), 1, [3, 3]);
  }
  if (view.t >= view.from && view.t <= view.to) {
    line(ctx, x(view.t), top, x(view.t), top + height, theme.colour("ink"), 1);
    ctx.fillStyle = theme.colour("ink");
    ctx.beginPath();
    ctx.moveTo(x(view.t) - 5, top);
    ctx.lineTo(x(view.t) + 6, top);
    ctx.lineTo(x(view.t) + 0.5, top + 7);
    ctx.fill();
  }
}
