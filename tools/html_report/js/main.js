/* Unpacks the figures and fills the page. */

let figures = null;

/** Once a frame at most, and when the window's width or the colours change. */
function redrawAll() {
  panels.forEach((panel) => panel.redraw());
}

async function main() {
  theme.start(document.getElementById("theme"));
  figures = unpack(await embedded("figures"));
  const [first] = figures.biography.stories;
  view.start(figures.clock, figures.marks, first ? first.times[first.fullest] : figures.clock.begin);
  startVerdict();
  startBrush();
  startFreeMemory();
  startLru();
  startLatency();
  startFrames();
  startRefault();
  startSlots();
  startOom();
  startStory();
  startConsole();
  view.listeners.push(redrawAll);
  theme.listeners.push(redrawAll);
  let width = document.documentElement.clientWidth;
  new ResizeObserver(() => {
    if (document.documentElement.clientWidth === width) return;
    width = document.documentElement.clientWidth;
    view.announce();
  }).observe(document.documentElement);
  redrawAll();
  document.documentElement.dataset.ready = "yes";
}

main().catch((error) => {
  document.getElementById("trouble").textContent = `This page could not draw itself: ${error.message}. It needs a browser of 2023 or newer.`;
  throw error;
});
