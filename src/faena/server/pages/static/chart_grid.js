// The charts of a run, or of several runs over one another: those that are in view are there, however many there are.

import { curves_of, fineness } from "./curve_data.js";
import { LineChart } from "./line_chart.js";

const HEIGHT = 190, HEAD = 26, GAP = 22, WIDE = 320, AHEAD = 300;
const FRAME = 8; // milliseconds of a frame that drawing may take before another chart is begun
const MORE = 1500; // milliseconds after which all names are asked for, whatever is drawn

/** A choice of how charts are drawn, kept in the page's address: `changed` is told when it is another. */
export class Settings {
  constructor(form, changed, is_kept = true) {
    const given = new URLSearchParams(is_kept ? location.search : "");
    this.form = form;
    for (const field of form.elements) {
      if (!field.name || !given.has(field.name)) continue;
      if (field.type === "checkbox") field.checked = given.get(field.name) === field.value;
      else field.value = given.get(field.name);
    }
    this.read();
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => { this.read(); if (is_kept) this.write(); changed(); });
  }

  read() {
    const { axis, smooth, log, metrics } = this.form.elements;
    this.axis = axis.value;
    this.smooth = Math.min(0.99, Number(smooth.value) || 0);
    this.log = log.checked;
    this.search = metrics?.value.trim().toLowerCase() ?? "";
    const said = this.form.querySelector("output");
    if (said) said.textContent = this.smooth ? this.smooth.toFixed(2) : "off";
  }

  write() {
    const query = new URLSearchParams(location.search), { axis, log, metrics, smooth } = this.form.elements;
    const put = (name, value, is_default) => { if (is_default) query.delete(name); else query.set(name, value); };
    put("axis", axis.value, axis.selectedIndex === 0);
    put("smooth", smooth.value, !this.smooth);
    put("log", "1", !log.checked);
    if (metrics) put("metrics", metrics.value, !metrics.value);
    const text = query.toString();
    history.replaceState(history.state, "", `${location.pathname}${text ? `?${text}` : ""}${location.hash}`);
  }
}

const sized = new ResizeObserver((entries) => { for (const { target } of entries) grids.get(target)?.layout(); });
const grids = new Map();
let planned = false;

/** Once in each frame, for all grids. */
function soon() {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => { planned = false; for (const grid of grids.values()) grid.layout(); });
}
addEventListener("scroll", soon, { passive: true });
addEventListener("resize", soon);
document.addEventListener("toggle", soon, { capture: true });

// Charts that came together are drawn one after the other, each seen before the next: a frame has room for one or two.
const drawing = [];
let is_drawing = false;
const frame = () => new Promise((done) => { if (document.hidden) setTimeout(done); else requestAnimationFrame(() => setTimeout(done)); });

async function in_frames(work) {
  drawing.push(work);
  if (is_drawing) return;
  is_drawing = true;
  while (drawing.length) {
    const began = performance.now();
    while (drawing.length && performance.now() - began < FRAME) drawing.shift()();
    if (drawing.length) await frame();
  }
  is_drawing = false;
}

export class ChartGrid {
  /** `wanted`: {runs, source}; `options`: as LineChart's, and `more`: where all names are, where `names` are the first of them. */
  constructor(place, names, wanted, settings, options = {}) {
    this.place = place;
    this.wanted = wanted;
    this.settings = settings;
    this.options = { height: HEIGHT, key: "charts", ...options };
    this.charts = new Map(); // by name: {figure, chart, range, asked}
    this.names = names;
    place.classList.add("chart-grid");
    this.empty = document.createElement("p");
    this.empty.className = "none";
    this.empty.hidden = true;
    place.after(this.empty);
    grids.set(place, this);
    sized.observe(place);
    this.filter();
    if (this.options.more) this.timer = setTimeout(() => this.all_names(), MORE);
  }

  destroy() {
    clearTimeout(this.timer);
    grids.delete(this.place);
    sized.unobserve(this.place);
    this.empty.remove();
    for (const name of [...this.charts.keys()]) this.drop(name);
  }

  /** Thousands of names are asked for once the first charts are there, or somebody looks for one. */
  all_names() {
    const { more } = this.options;
    this.options.more = null;
    if (more) fetch(more).then((answer) => answer.json()).then((names) => { this.names = names; this.filter(); }).catch(() => { this.options.more = more; });
  }

  filter() {
    const words = this.settings.search.split(/\s+/).filter(Boolean);
    if (words.length) this.all_names();
    this.shown = words.length ? this.names.filter((name) => { const low = name.toLowerCase(); return words.every((word) => low.includes(word)); }) : this.names;
    const kept = new Set(this.shown);
    for (const name of [...this.charts.keys()]) if (!kept.has(name)) this.drop(name);
    this.empty.hidden = this.shown.length > 0 || !this.names.length;
    this.empty.textContent = `None of ${this.names.length.toLocaleString("en")} metrics has that in its name.`;
    this.layout();
  }

  /** Puts the charts that are in view where they belong, and takes those away that are far from it. */
  layout() {
    const width = this.place.clientWidth;
    if (!width || !this.place.isConnected || this.place.closest("details:not([open])")) return;
    const columns = Math.max(1, Math.floor((width + GAP) / (WIDE + GAP))), each = Math.floor((width - GAP * (columns - 1)) / columns);
    const row = this.options.height + HEAD + GAP, rows = Math.ceil(this.shown.length / columns);
    this.place.style.height = `${Math.max(0, rows * row - GAP)}px`;
    const top = this.place.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor((-top - AHEAD) / row)) * columns, last = Math.min(this.shown.length, Math.ceil((innerHeight - top + AHEAD) / row) * columns);
    const wanted = new Set(this.shown.slice(first, Math.max(first, last)));
    for (const [name, { figure }] of this.charts) if (!wanted.has(name) && !figure.contains(document.activeElement)) this.drop(name);
    let after = null;
    for (let place = first; place < last; place++) {
      const name = this.shown[place], entry = this.charts.get(name) ?? this.add(name), { figure } = entry;
      figure.style.width = `${each}px`;
      figure.style.height = `${row - GAP}px`;
      figure.style.transform = `translate(${(place % columns) * (each + GAP)}px, ${Math.floor(place / columns) * row}px)`;
      if (after ? after.nextElementSibling !== figure : this.place.firstElementChild !== figure) { if (after) after.after(figure); else this.place.prepend(figure); }
      after = figure;
      if (entry.width !== each) { entry.width = each; entry.chart.resize(); }
      if (!entry.asked) this.load(name);
    }
  }

  add(name) {
    const figure = document.createElement("figure"), caption = figure.appendChild(document.createElement("figcaption"));
    figure.className = "chart line-chart";
    const title = caption.appendChild(document.createElement("span"));
    title.textContent = title.title = name;
    const all = caption.appendChild(document.createElement("button"));
    all.type = "button";
    all.className = "quiet";
    all.textContent = "Show all";
    all.hidden = true;
    caption.append(document.createElement("output"));
    this.place.append(figure);
    const entry = { figure, all, data: null, range: undefined, asked: false, width: 0 };
    entry.chart = new LineChart(figure, { ...this.options, zoomed: (from, to) => this.zoomed(name, from, to) });
    all.onclick = () => { this.zoomed(name); figure.focus({ preventScroll: true }); };
    figure.dataset.curve = name;
    this.charts.set(name, entry);
    return entry;
  }

  drop(name) {
    const { chart, figure } = this.charts.get(name);
    chart.destroy();
    figure.remove();
    this.charts.delete(name);
  }

  zoomed(name, from, to) {
    const entry = this.charts.get(name);
    if (!entry) return;
    entry.range = from === undefined ? undefined : [from, to];
    entry.all.hidden = !entry.range;
    this.load(name);
  }

  /** Asks for a chart's curves, as fine as it is wide. The latest question's answer is shown. */
  async load(name) {
    const entry = this.charts.get(name), number = (entry.number ?? 0) + 1;
    entry.number = number;
    entry.asked = true;
    const { range } = entry, width = entry.width || entry.figure.clientWidth, buckets = range ? Math.max(100, Math.min(1000, width)) : fineness(width);
    const wanted = { ...this.wanted, axis: this.settings.axis, buckets, ...(range ? { from: range[0], to: range[1] } : {}) };
    try {
      const found = await curves_of(name, wanted);
      if (this.charts.get(name) !== entry || entry.number !== number) return;
      entry.data = found;
      entry.range = range;
      const draw = () => { if (this.charts.get(name) === entry && entry.number === number) this.draw(entry); };
      if (range) draw(); else in_frames(draw);
    } catch {
      entry.asked = false;
    }
  }

  draw(entry) {
    entry.chart.show(entry.data, this.settings, entry.range);
    entry.figure.dataset.drawn = String(entry.number); // for who waits until it is there
    this.options.drawn?.();
    if (this.options.more) requestAnimationFrame(() => this.all_names());
  }

  redraw() { for (const entry of this.charts.values()) if (entry.data) this.draw(entry); }

  /** Those in view, from what is known now. */
  reload() { for (const name of this.charts.keys()) this.load(name); }

  /** Another axis asks for other curves; all else draws those that are there. */
  changed() {
    if (this.axis !== undefined && this.axis !== this.settings.axis) for (const entry of this.charts.values()) { entry.range = undefined; entry.all.hidden = true; }
    const is_other = this.axis !== this.settings.axis;
    this.axis = this.settings.axis;
    this.filter();
    if (is_other) this.reload(); else this.redraw();
  }
}