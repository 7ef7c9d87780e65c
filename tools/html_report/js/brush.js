/* The bar at the top: the whole session in small, what of it is in view, and the moment. */

const BRUSH_HEIGHT = 64;
const LANE = 5; // of a program

function startBrush() {
  const box = document.getElementById("brush");
  const canvas = element("canvas", { "aria-hidden": "true" });
  const pane = element("div", { class: "window" });
  const handles = { from: handle("from", "begin of the time in view"), to: handle("to", "end of the time in view") };
  box.append(canvas, pane, handles.from, handles.to);
  const plot = new Plot(canvas, BRUSH_HEIGHT, { left: MARGIN.left, right: MARGIN.right, top: 14, bottom: 16 });
  const whole = (t) => plot.left + ((t - view.begin) / (view.end - view.begin)) * plot.width;
  const timeAt = (x) => view.begin + Math.min(Math.max((x - plot.left) / plot.width, 0), 1) * (view.end - view.begin);

  const redraw = () => {
    plot.begin();
    drawOverview(plot, whole);
    const [from, to] = [whole(view.from), whole(view.to)];
    pane.style.left = `${from}px`;
    pane.style.width = `${to - from}px`;
    for (const [name, x] of [["from", from], ["to", to]]) {
      handles[name].style.left = `${x}px`;
      handles[name].setAttribute("aria-valuenow", seconds(view[name], 6));
      handles[name].setAttribute("aria-valuetext", moment(view[name]));
    }
    document.getElementById("moment").textContent = `t = ${seconds(view.t, 9)} s`;
    const doubt = figures.doubtful.find((period) => period.begin <= view.t && view.t < period.end);
    document.getElementById("doubt").textContent = doubt ? { missing: "events are missing", uncertain: "uncertain" }[doubt.kind] : "";
    document.getElementById("doubt").title = doubt?.why ?? "";
    document.getElementById("in-view").textContent = view.whole
      ? "the whole session is in view"
      : `${moment(view.from)} to ${moment(view.to)} in view (${duration(view.to - view.from)})`;
    document.getElementById("show-all").disabled = view.whole;
  };
  panels.push({ redraw });
  dragHandles(handles, timeAt, box);
  dragPane(pane, timeAt, box);
  startBar();

  function handle(name, label) {
    return element("div", {
      class: "handle", role: "slider", tabindex: "0", "aria-label": label, "data-end": name,
      "aria-valuemin": seconds(view.begin, 6), "aria-valuemax": seconds(view.end, 6),
    });
  }
}

/** Fewest free frames, programs, marks and doubt, over the whole session. */
function drawOverview(plot, x) {
  const { ctx } = plot;
  const { fewest } = figures.free;
  ctx.fillStyle = theme.colour("panel");
  ctx.fillRect(plot.left, plot.top, plot.width, plot.height);
  let top = 1;
  for (const value of fewest) top = Math.max(top, value);
  ctx.fillStyle = faded(theme.colour("blue"), 0.35);
  ctx.beginPath();
  ctx.moveTo(plot.left, plot.bottom);
  for (let i = 0; i < fewest.length; i++) {
    const t = view.begin + ((i + 0.5) / fewest.length) * (view.end - view.begin);
    ctx.lineTo(x(t), plot.bottom - (Math.max(fewest[i], 0) / top) * plot.height);
  }
  ctx.lineTo(plot.right, plot.bottom);
  ctx.fill();
  drawPrograms(plot, x);
  for (const period of figures.doubtful) {
    ctx.fillStyle = period.kind === "missing" ? theme.colour("doubt") : hatching(ctx);
    ctx.fillRect(x(period.begin), plot.top, Math.max(x(period.end) - x(period.begin), 2), plot.height);
  }
  for (const mark of view.marks) drawMark(ctx, x(mark.t), plot, mark);
  line(ctx, x(view.t), plot.top - 4, x(view.t), plot.bottom, theme.colour("ink"));
  ctx.fillStyle = theme.colour("muted");
  ctx.textBaseline = "top";
  ctx.textAlign = "right";
  ctx.fillText("free RAM", plot.left - 8, plot.top + 8);
}

/** Names stand below their program's time, while there is room. */
function drawPrograms(plot, x) {
  const { ctx } = plot;
  const colours = ["green", "purple", "orange", "sky"];
  let free = 0;
  figures.programs.forEach((program, index) => {
    const [from, to] = [x(program.begin), x(program.end)];
    ctx.fillStyle = theme.colour(colours[index % colours.length]);
    ctx.fillRect(from, plot.bottom, Math.max(to - from, 1.5), LANE);
    const width = ctx.measureText(program.name).width;
    const at = Math.min(Math.max(from, free), plot.right + plot.margin.right - width);
    if (at < free || at > to + 40) return;
    ctx.fillStyle = theme.colour("muted");
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    ctx.fillText(program.name, at, plot.bottom + LANE);
    free = at + width + 8;
  });
}

/** A triangle for an OOM kill, a short line for a barrier. */
function drawMark(ctx, x, plot, mark) {
  if (mark.kind !== "oom") {
    line(ctx, x, plot.top - 6, x, plot.top, theme.colour("muted"));
    return;
  }
  ctx.fillStyle = theme.colour("doubt");
  ctx.beginPath();
  ctx.moveTo(x - 5, plot.top - 11);
  ctx.lineTo(x + 5, plot.top - 11);
  ctx.lineTo(x, plot.top - 2);
  ctx.fill();
}

function dragHandles(handles, timeAt, box) {
  for (const [name, one] of Object.entries(handles)) {
    one.addEventListener("pointerdown", (event) => {
      one.setPointerCapture(event.pointerId);
      event.preventDefault();
      one.focus();
    });
    one.addEventListener("pointermove", (event) => {
      if (one.hasPointerCapture(event.pointerId)) {
        moveEnd(name, timeAt(event.clientX - box.getBoundingClientRect().left));
      }
    });
    one.addEventListener("keydown", (event) => {
      const step = ((view.end - view.begin) / 200) * (event.shiftKey ? 10 : 1);
      const to = { ArrowLeft: view[name] - step, ArrowRight: view[name] + step, Home: view.begin, End: view.end }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      moveEnd(name, to);
    });
  }
}

/** An end stays on its side of the other. */
function moveEnd(name, t) {
  if (name === "from") view.set({ from: Math.min(t, view.to - view.least) });
  else view.set({ to: Math.max(t, view.from + view.least) });
}

/** Inside the window it moves the window; outside it draws a new one; a click sets the moment. */
function dragPane(pane, timeAt, box) {
  let start = null;
  const inside = (event) => event.clientX - box.getBoundingClientRect().left;
  box.addEventListener("pointerdown", (event) => {
    if (event.target.classList.contains("handle")) return;
    const moves = event.target === pane && !view.whole;
    start = { x: inside(event), from: view.from, to: view.to, moves, moved: false };
    box.setPointerCapture(event.pointerId);
  });
  box.addEventListener("pointermove", (event) => {
    if (!start) return;
    const x = inside(event);
    if (Math.abs(x - start.x) < 4 && !start.moved) return;
    start.moved = true;
    if (start.moves) {
      const by = timeAt(x) - timeAt(start.x);
      view.set({ from: start.from + by, to: start.to + by });
    } else {
      const [low, high] = [timeAt(start.x), timeAt(x)].sort((a, b) => a - b);
      view.set({ from: low, to: high });
    }
  });
  box.addEventListener("pointerup", (event) => {
    if (start && !start.moved) view.set({ t: Math.round(timeAt(inside(event))) });
    start = null;
  });
  box.addEventListener("pointercancel", () => { start = null; });
}

/** Buttons beside the bar. */
function startBar() {
  const jump = document.getElementById("jump");
  jump.append(element("option", { value: "" }, "go to …"), element("option", { value: view.begin }, "begin"));
  for (const mark of view.marks) jump.append(element("option", { value: mark.t }, mark.text));
  jump.append(element("option", { value: view.end }, "end"));
  jump.addEventListener("change", () => {
    if (jump.value !== "") view.goTo(Number(jump.value));
    jump.value = "";
  });
  document.getElementById("show-all").addEventListener("click", () => view.set({ from: view.begin, to: view.end }));
  const link = document.getElementById("link");
  link.addEventListener("click", async () => {
    history.replaceState(null, "", view.link());
    const told = await copied(location.href) ? "Copied" : "In the address bar";
    link.textContent = told;
    setTimeout(() => { link.textContent = "Copy link"; }, 1500);
  });
}

/** Whether the text is in the clipboard; a page from the file system may not be allowed to. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
