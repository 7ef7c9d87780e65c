/* What of the session is in view, and the moment that is looked at: one for all panels, and in the address. */

const view = {
  begin: 0, end: 1, // of the session, ns since boot
  from: 0, to: 1, // in view
  t: 0, // the moment
  hover: null, // under the pointer
  marks: [],
  listeners: [],
  pending: false,

  /** @param {number} t what to look at when the address does not say */
  start(clock, marks, t) {
    Object.assign(this, { begin: clock.begin, end: clock.end, from: clock.begin, to: clock.end, marks, t });
    this.readLink();
    addEventListener("hashchange", () => {
      if (location.hash !== this.link()) this.readLink();
    });
  },

  /** Least length of time in view: a microsecond. */
  get least() {
    return Math.min(1000, this.end - this.begin);
  },

  /** @param {{from?: number, to?: number, t?: number, hover?: number|null}} change */
  set(change) {
    Object.assign(this, change);
    const length = Math.min(Math.max(this.to - this.from, this.least), this.end - this.begin);
    this.from = Math.min(Math.max(this.from, this.begin), this.end - length);
    this.to = this.from + length;
    this.t = Math.min(Math.max(this.t, this.begin), this.end);
    this.announce();
    if ("from" in change || "to" in change || "t" in change) this.writeLink();
  },

  /** Listeners are called once a frame, however often the view changes. */
  announce() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.listeners.forEach((listener) => listener());
    });
  },

  /** Shows the moment: in the middle when it was out of view. */
  goTo(t) {
    const change = { t };
    if (t < this.from || t > this.to) {
      const half = (this.to - this.from) / 2;
      Object.assign(change, { from: t - half, to: t + half });
    }
    this.set(change);
  },

  /** Zooms by a factor around a moment. */
  zoom(factor, around) {
    const share = (around - this.from) / (this.to - this.from);
    const length = (this.to - this.from) * factor;
    this.set({ from: around - length * share, to: around + length * (1 - share) });
  },

  get whole() {
    return this.from <= this.begin && this.to >= this.end;
  },

  /** #t=SECONDS, with &from= and &to= when not all is in view. */
  link() {
    const parts = [`t=${seconds(this.t, 9)}`];
    if (!this.whole) parts.push(`from=${seconds(this.from, 9)}`, `to=${seconds(this.to, 9)}`);
    return `#${parts.join("&")}`;
  },

  writeLink() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => history.replaceState(null, "", this.link()), 150);
  },

  /** Seconds, or the name of a mark such as oom#1. */
  momentOf(text) {
    const mark = this.marks.find((one) => one.name === decodeURIComponent(text));
    const t = mark ? mark.t : Math.round(parseFloat(text) * NS);
    return Number.isFinite(t) ? t : null;
  },

  readLink() {
    // A mark's name holds a # itself: only the first one is the address's.
    const given = Object.fromEntries(location.hash.slice(1).split("&").map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at), part.slice(at + 1)];
    }));
    const change = {};
    for (const name of ["t", "from", "to"]) {
      const t = given[name] === undefined ? null : this.momentOf(given[name]);
      if (t !== null) change[name] = t;
    }
    if (Object.keys(change).length) this.set({ from: this.begin, to: this.end, ...change });
  },
};
