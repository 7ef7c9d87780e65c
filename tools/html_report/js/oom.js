/* OOM decisions: every candidate with every term of its score. */

function startOom() {
  const { kills, total } = figures.oom;
  const place = fillPanel("oom", {
    keys: kills.length ? [key("2 × resident", "blue"), key("swapped", "purple"), key("page tables", "orange")] : [],
    how: "The score is 2 × resident frames + swap entries + page-table frames; the eligible task with the highest one dies. Predicted is what only the victim mapped; freed is what came free. A large difference is memory that others shared, or that was already on its way out.",
    empty: kills.length ? null : "The OOM killer did not act in this session.",
  });
  place.readout.remove();
  if (!kills.length) return;
  const board = element("div", { class: "board" });
  const choose = element("select", { "aria-label": "OOM decision" }, ...kills.map((kill, i) => (
    element("option", { value: i }, `kill ${kill.kill_id} at ${seconds(kill.t, 6)} s`))));
  const show = () => {
    const kill = kills[Number(choose.value)];
    board.replaceChildren(killStory(kill), scores(kill));
  };
  choose.addEventListener("change", show);
  const go = element("button", { type: "button", onclick: () => view.goTo(kills[Number(choose.value)].t) }, "show this moment");
  place.body.append(element("p", { class: "choose" }, kills.length > 1 ? choose : null, go,
    total > kills.length ? ` The first ${kills.length} of ${grouped(total)} decisions.` : null), board);
  show();
}

function killStory(kill) {
  const victim = kill.candidates.find((one) => one.pid === kill.pid);
  const name = victim ? `${victim.comm} (pid ${kill.pid})` : `pid ${kill.pid}`;
  const invoker = kill.invoker ? `${kill.invoker} (pid ${kill.invoker_pid})` : `pid ${kill.invoker_pid}`;
  const freed = kill.freed_pages === null ? "how many came free the trace does not tell"
    : `${grouped(kill.freed_pages)} came free${kill.t_done === null ? "" : ` within ${duration(kill.t_done - kill.t)}`}`;
  return element("p", {}, element("strong", {}, `At ${seconds(kill.t, 6)} s ${name} was killed. `),
    `${invoker} had asked for ${counted(2 ** kill.order, "frame")} with ${counted(kill.nr_free, "frame")} and ${counted(kill.nr_free_slots, "swap slot")} free. `,
    `${counted(kill.predicted_pages, "frame")} predicted, ${freed}.`);
}

function scores(kill) {
  const most = Math.max(...kill.candidates.map((one) => one.score), 1);
  const rows = kill.candidates.map((one) => {
    const killed = one.pid === kill.pid;
    const bar = element("div", { class: "bar", title: `2 × ${one.resident} + ${one.swapped} + ${one.page_tables} = ${one.score}` });
    for (const [value, colour] of [[2 * one.resident, "blue"], [one.swapped, "purple"], [one.page_tables, "orange"]]) {
      const part = element("span");
      part.style.width = `${(100 * value) / most}%`;
      part.style.background = `var(--${colour})`;
      bar.append(part);
    }
    return [one.comm, String(one.pid), grouped(one.resident), grouped(one.swapped), grouped(one.page_tables),
      [grouped(one.score), killed ? "strong" : ""], bar, killed ? ["killed", "bad"] : one.eligible === "eligible" ? "" : `not eligible: ${one.eligible}`];
  });
  const shownTable = table([["task", ""], ["pid", "n"], ["resident", "n"], ["swapped", "n"], ["page tables", "n"], ["score", "n"], ["", "wide"], ["", ""]], rows,
    "Candidates, the highest score first");
  if (kill.more) shownTable.append(element("p", {}, `and ${grouped(kill.more)} more candidates`));
  return shownTable;
}
