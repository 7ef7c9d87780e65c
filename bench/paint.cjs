/* What it costs to open a page: CPU seconds of all of Chromium's processes, from the request of the page until it has drawn
 * itself. Arguments: playwright-core, chromium, the page, how often. Prints a JSON array, one number for each time; each has a
 * browser of its own. */
"use strict";

const [playwright, executablePath, path, times] = process.argv.slice(2);
const { chromium } = require(playwright);

/** CPU seconds of the browser's processes so far, and of those that have ended since the last call. */
async function cpuOf(session, seen) {
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  for (const { id, cpuTime } of processInfo) seen.set(id, cpuTime);
  return [...seen.values()].reduce((sum, seconds) => sum + seconds, 0);
}

async function open() {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const session = await browser.newBrowserCDPSession();
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    const seen = new Map();
    const before = await cpuOf(session, seen);
    await page.goto(`file://${path}`);
    await page.waitForFunction(() => document.documentElement.dataset.ready);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    return (await cpuOf(session, seen)) - before;
  } finally {
    await browser.close();
  }
}

(async () => {
  const found = [];
  for (let n = 0; n < Number(times); n++) found.push(await open());
  console.log(JSON.stringify(found));
})();
