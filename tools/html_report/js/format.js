/* Numbers, times and elements. */

const NS = 1e9;
const PAGES_A_MIB = 256;

/** @param {number} value */
const grouped = (value) => Math.round(value).toLocaleString("en-US");

/** A count with its noun: 1 frame, 2 frames. */
const counted = (n, one, many = one + "s") => `${grouped(n)} ${n === 1 ? one : many}`;

/** Nanoseconds since boot as seconds, with as many digits as the span in view needs. */
function seconds(t, digits = 3) {
  return (t / NS).toFixed(digits);
}

/** Digits behind the point that tell apart instants so many nanoseconds apart. */
const digitsFor = (ns) => Math.min(9, Math.max(0, Math.ceil(-Math.log10(ns / NS) - 1e-9)));

/** A length of time in the unit that suits it. */
function duration(ns) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (ns >= size) {
      const value = ns / size;
      return `${value >= 100 ? grouped(value) : value.toPrecision(3)} ${unit}`;
    }
  }
  return ns ? `${Math.round(ns)} ns` : "0";
}

const mebibytes = (pages) => `${(pages / PAGES_A_MIB).toFixed(pages < 2560 ? 2 : 1)} MiB`;

/** The smallest 1, 2 or 5 times a power of ten that cuts the span into at most so many steps. */
function niceStep(span, steps) {
  const least = span / Math.max(steps, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * 0.999999);
}

/** An element with attributes and children; text is never taken as HTML. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}
