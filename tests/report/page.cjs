/* Opens a report in Chromium and tries it as a reader would. Arguments: playwright-core, chromium, a JSON file {pages: {name: path},
 * sql}. Prints one JSON object: what each check found, for test_page.py to judge. */
"use strict";

const fs = require("fs");
const [playwright, executablePath, order] = process.argv.slice(2);
const { chromium } = require(playwright);
const { pages, sql } = JSON.parse(fs.readFileSync(order, "utf8"));

/** Opens a page and waits until it has drawn itself. Errors and requests go to `seen`. */
async function open(browser, path, seen, options = {}, hash = "") {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, ...options });
  page.on("console", (message) => { if (message.type() === "error") seen.errors.push(message.text()); });
  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("request", (request) => { if (!/^(file|data|blob):/.test(request.url())) seen.requests.push(request.url()); });
  await page.goto(`file://${path}${hash}`);
  await page.waitForFunction(() => document.documentElement.dataset.ready);
  return page;
}

/** Waits until the page has drawn what it was asked for. */
const drawn = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

/** Different colours in the canvas of a section; a blank one has one. */
async function colours(page, id) {
  await page.locator(`#${id}`).scrollIntoViewIfNeeded();
  await page.waitForFunction((section) => {
    const canvas = document.querySelector(`#${section} canvas`);
    return canvas && canvas.width > 300;
  }, id);
  await drawn(page);
  return page.evaluate((section) => {
    const canvas = document.querySelector(`#${section} canvas`);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const found = new Map();
    for (let i = 0; i < data.length; i += 4) {
      const colour = `${data[i]},${data[i + 1]},${data[i + 2]},${data[i + 3]}`;
      found.set(colour, (found.get(colour) ?? 0) + 1);
    }
    return { different: found.size, commonest: Math.max(...found.values()) / (data.length / 4) };
  }, id);
}

const readout = (page, id) => page.locator(`#${id} .readout`).textContent();
const momentOf = (page) => page.locator("#moment").textContent();

async function panels(page) {
  const found = {};
  for (const id of ["brush", "free", "lru", "latency", "frames", "refault", "slots", "story"]) found[id] = await colours(page, id);
  return found;
}

/** Drags from one share of the bar's width to another. */
async function brush(page, from, to) {
  const before = { refault: await readout(page, "refault"), view: await page.locator("#in-view").textContent() };
  await page.evaluate(() => scrollTo(0, 0));
  const box = await page.locator("#brush canvas").boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * from, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * (from + to) / 2, y);
  await page.mouse.move(box.x + box.width * to, y);
  await page.mouse.up();
  await page.locator("#refault").scrollIntoViewIfNeeded();
  await drawn(page);
  return { before, after: { refault: await readout(page, "refault"), view: await page.locator("#in-view").textContent() } };
}

async function keyboard(page) {
  await page.keyboard.press("Escape");
  await page.locator("#frames canvas").focus();
  await page.keyboard.press("Home");
  await drawn(page);
  const moments = [await momentOf(page)];
  await page.keyboard.press("ArrowRight");
  await drawn(page);
  moments.push(await momentOf(page));
  await page.keyboard.press("+");
  await drawn(page);
  const zoomed = await page.locator("#in-view").textContent();
  await page.keyboard.press("Escape");
  await page.locator('.handle[data-end="to"]').focus();
  await page.keyboard.press("Shift+ArrowLeft");
  await drawn(page);
  const handle = await page.locator("#in-view").textContent();
  await page.locator("#show-all").click();
  await drawn(page);
  return { moments, zoomed, handle, all: await page.locator("#in-view").textContent() };
}

/** Moves the slider from change to change: the drawing's number, how much is drawn, and the moment. */
async function slider(page) {
  await page.locator("#story-graph").scrollIntoViewIfNeeded();
  const seen = [];
  for (const at of [0, 3, 6]) {
    await page.locator("#story-slider").fill(String(at));
    await page.waitForFunction((state) => document.querySelector("#story-graph").dataset.state === String(state)
      && document.querySelector("#story-graph svg"), at);
    seen.push(await page.evaluate(() => ({
      state: document.querySelector("#story-graph").dataset.state, svg: document.querySelector("#story-graph svg").outerHTML,
      nodes: document.querySelectorAll("#story-graph svg .node").length, moment: document.querySelector("#moment").textContent,
      current: document.querySelector('.events [aria-current="true"]')?.textContent ?? "",
    })));
  }
  await page.locator(".events").focus();
  const before = await momentOf(page);
  await page.keyboard.press("ArrowDown");
  await drawn(page);
  return { seen, before, after: await momentOf(page) };
}

/** The rows that the console shows, as text, and what it says. */
async function ask(page, text) {
  await page.locator("#sql").fill(text);
  await page.evaluate(() => { document.querySelector("#console .status").textContent = ""; });
  await page.locator("#sql").press("Control+Enter");
  await page.waitForFunction(() => /\brows?\b|no such|error/.test(document.querySelector("#console .status").textContent));
  return page.evaluate(() => ({
    status: document.querySelector("#console .status").textContent,
    columns: [...document.querySelectorAll("#answer th")].map((one) => one.textContent),
    rows: [...document.querySelectorAll("#answer tbody tr")].map((row) => [...row.children].map((one) => one.textContent)),
  }));
}

async function recipes(page) {
  const menu = await page.locator("#recipes option").allTextContents();
  await page.locator("#recipes").selectOption({ index: 1 });
  // Its answer must not be taken for that of the next question.
  await page.waitForFunction(() => /\brows?,/.test(document.querySelector("#console .status").textContent));
  return { menu, sql: await page.locator("#sql").inputValue() };
}

async function colourScheme(page) {
  const paper = () => page.evaluate(() => getComputedStyle(document.body.parentElement).backgroundColor);
  const before = await paper();
  await page.locator("#theme").click();
  await drawn(page);
  return { before, after: await paper(), panels: await colours(page, "frames") };
}

async function whole(browser, path, found) {
  const page = await open(browser, path, found, {}, "#t=oom#1");
  found.link = await momentOf(page);
  found.panels = await panels(page);
  found.brush = await brush(page, 0.55, 0.75);
  found.address = await page.waitForFunction(() => (location.hash.includes("from=") ? location.hash : null)).then((one) => one.jsonValue());
  const again = await open(browser, path, found, {}, found.address);
  found.again = { view: await again.locator("#in-view").textContent(), moment: await momentOf(again) };
  await again.close();
  found.keyboard = await keyboard(page);
  found.slider = await slider(page);
  found.recipes = await recipes(page);
  found.answer = await ask(page, sql);
  await page.locator("#database-file").setInputFiles(order);
  await page.waitForFunction(() => document.querySelector("#console .status").textContent.includes("cannot be used"));
  found.again_answer = await ask(page, sql);
  found.wrong = await ask(page, "SELECT * FROM nothing_of_that_name");
  found.theme = await colourScheme(page);
  found.narrow = await page.setViewportSize({ width: 400, height: 800 }).then(() => drawn(page)).then(() => (
    page.evaluate(() => document.documentElement.scrollWidth)));
  await page.close();
}

/** Of a page that lacks something: what it says in the place of each picture, and its colours in the dark. */
async function lesser(browser, path, found) {
  const page = await open(browser, path, found, { colorScheme: "dark" });
  found.empty = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll("main section")].map(
    (section) => [section.id, section.querySelector(".empty")?.textContent ?? ""])));
  found.verdict = await page.locator("#verdict-body").textContent();
  found.panels = {};
  for (const id of ["free", "lru"]) {
    if (!found.empty[id]) found.panels[id] = await colours(page, id);
  }
  found.red = await page.evaluate(() => {
    const canvas = document.querySelector("#free canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let n = 0;
    for (let i = 0; i < data.length; i += 4) n += data[i] > 150 && data[i] > 2 * data[i + 1] && data[i] > 2 * data[i + 2];
    return n;
  });
  if (!found.empty.story) found.slider = await slider(page);
  await page.close();
}

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const found = {};
  try {
    for (const [name, path] of Object.entries(pages)) {
      found[name] = { errors: [], requests: [] };
      await (name === "whole" ? whole : lesser)(browser, path, found[name]);
    }
  } finally {
    await browser.close();
  }
  process.stdout.write(JSON.stringify(found));
})().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
