/* Can the trace be believed, what machine was it, and what happened in short. */

const MAX_PERIODS = 6; // that are told in words

const cell = (content, kind = "") => element("td", { class: kind || null }, content);

/** A table; columns are [heading, "n" when numbers]. A cell may be [content, class]. */
function table(columns, rows, caption = null) {
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption ?? "table" },
    element("table", {},
      caption ? element("caption", {}, caption) : null,
      columns.some(([name]) => name) && element("thead", {}, element("tr", {}, ...columns.map(([name, kind]) => element("th", { scope: "col", class: kind || null }, name)))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((value, i) => (
        Array.isArray(value) ? cell(value[0], `${columns[i][1] ?? ""} ${value[1]}`.trim()) : cell(value, columns[i][1])
      )))))));
}

function startVerdict() {
  const { summary } = figures;
  const { verdict } = summary;
  const body = document.getElementById("verdict-body");
  body.append(verdictCard(verdict), tiles(summary),
    element("div", { class: "columns" }, element("div", {}, lossTable(), programTable(summary), vmstatTable()), configuration(summary)));
  document.getElementById("title").textContent = summary.session.title || "A session";
  document.title = `${summary.session.title || "Session"} – Palimpsest`;
}

function verdictCard(verdict) {
  const good = verdict.complete && !verdict.failures.length;
  const sign = element("span", { class: "sign", "aria-hidden": "true" }, good ? "✓" : "✗");
  const lines = verdict.complete
    ? [`${grouped(verdict.received)} events: none lost, none impossible in the state before it, and ${verdict.counters} of ${verdict.counters} of the kernel’s own counters agree with them.`]
    : verdict.faults;
  if (verdict.expectations && !verdict.failures.length) lines.push(`${counted(verdict.expectations, "expectation")} of the scenario hold.`);
  const { instants, objects, busy, differences } = figures.summary.trace.memory;
  if (instants) {
    lines.push(`Guest memory was compared with the state rebuilt from the trace at ${counted(instants, "instant")}: ${counted(objects, "object")}, `
      + `${counted(differences, "difference")}, ${grouped(busy)} left out as just being changed.`);
  }
  return element("div", { class: `verdict ${good ? "good" : "bad"}` }, sign,
    element("div", {},
      element("strong", {}, verdict.complete ? "The trace is complete." : "The trace is NOT complete."),
      element("ul", {}, ...lines.map((text) => element("li", {}, text)),
        ...figures.doubtful.slice(0, MAX_PERIODS).map((period) => element("li", {}, `From ${seconds(period.begin, 6)} to ${seconds(period.end, 6)} s: ${period.why}.`)),
        figures.doubtful.length > MAX_PERIODS && element("li", {}, `And ${grouped(figures.doubtful.length - MAX_PERIODS)} more such times.`),
        ...verdict.failures.map((text) => element("li", {}, `Expected: ${text}`)))));
}

/** Figures of the session at a glance. */
function tiles(summary) {
  const faults = summary.faults.reduce((sum, kind) => sum + kind.n, 0);
  const evicted = summary.reclaim.reduce((sum, by) => sum + by.reclaimed, 0);
  const tile = (value, name, note) => element("div", { class: "tile" },
    element("b", {}, value), element("span", {}, name), element("small", {}, note));
  const length = figures.clock.end - figures.clock.begin;
  return element("div", { class: "tiles" },
    tile(duration(length), "traced", `${grouped(summary.trace.received / (length / NS))} events a second`),
    tile(grouped(faults), "page faults", summary.faults.length ? `${grouped(summary.faults[0].n)} of kind ${summary.faults[0].kind}` : "none"),
    tile(grouped(evicted), "pages evicted", `${grouped(summary.swap.pages_out)} written to swap`),
    tile(grouped(summary.swap.refaults), "refaults", evicted ? `${Math.round(100 * summary.swap.refaults / evicted)} % of the evicted came back` : "nothing was evicted"),
    tile(grouped(figures.reclaim.direct.n), "direct reclaims", figures.reclaim.direct.n ? `${duration(figures.reclaim.direct.total_ns)} of waiting` : "nobody had to wait"),
    tile(grouped(figures.oom.total), figures.oom.total === 1 ? "OOM kill" : "OOM kills", figures.oom.total ? "see the scoreboard" : "memory sufficed"));
}

function lossTable() {
  const bad = (n) => (n ? [grouped(n), "bad"] : "0");
  const rows = figures.loss.map((cpu) => [`CPU ${cpu.cpu}`, grouped(cpu.emitted), grouped(cpu.received), bad(cpu.discarded),
    bad(cpu.emitted - cpu.received - cpu.discarded), ["none", "recovered"].includes(cpu.tail) ? cpu.tail : [cpu.tail, "bad"],
    duration(cpu.stalled_ns)]);
  return table([["events of", ""], ["emitted", "n"], ["received", "n"], ["discarded", "n"], ["missing", "n"], ["lost at end", ""], ["waited for trace", "n"]],
    rows, "Losses");
}

function configuration(summary) {
  const { machine } = summary;
  const rows = [];
  if (machine.nr_cpus) {
    rows.push(["CPUs", grouped(machine.nr_cpus)],
      ["managed RAM", `${grouped(machine.nr_frames)} frames (${mebibytes(machine.nr_frames)})`],
      ["swap", machine.nr_slots ? `${grouped(machine.nr_slots)} slots (${mebibytes(machine.nr_slots)})` : "none"],
      ["watermarks", `min ${machine.watermark_min}, low ${machine.watermark_low}, high ${machine.watermark_high} frames`]);
  }
  rows.push(...figures.configuration, ["ended", summary.session.ended ?? "the trace has no end"]);
  return table([["", ""], ["", ""]], rows.map(([name, value]) => [name, [value, "mono"]]), "Configuration");
}

function programTable(summary) {
  const rows = summary.programs.map((program) => [program.name, String(program.pid),
    program.status === null ? "still ran" : program.status === 0 ? "0" : [exitText(program.status), "warn"], duration(program.elapsed_ns)]);
  return table([["program", ""], ["pid", "n"], ["exit status", ""], ["elapsed", "n"]], rows, "Programs");
}

const exitText = (status) => (status > 128 ? `${status} (signal ${status - 128})` : String(status));

function vmstatTable() {
  const rows = figures.vmstat.map(([item, kernel, events, equal]) => [item, grouped(kernel), grouped(events), equal ? "equal" : ["differs", "bad"]]);
  return element("details", {}, element("summary", {}, `The kernel’s ${rows.length} counters against the events`),
    table([["counter", ""], ["kernel", "n"], ["events", "n"], ["", ""]], rows, "Counters"));
}
