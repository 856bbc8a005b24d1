// One chart of curves that share an axis: uPlot has its axes, cursor and zoom; the curves are drawn here, from the least
// and the greatest value of each place.

import uPlot from "./uPlot.esm.js";
import { nearest, shown, ticks } from "./charts.js";

const DIGIT = 6.6, NEAR = 24, DOTS = 40, RAW_CURVES = 10, ZOOM = 2;
const AXES = { step: "step", index: "place", relative: "time", time: "time" };
const COLOURS = ["--soft", "--line", "--link", ...Array.from({ length: 10 }, (_, place) => `--curve-${place}`)];
let colours = null;

/** A colour by the name of its variable. A canvas does not know `light-dark()`: what they come to is asked once, for all. */
function colour(name) {
  if (!colours) {
    const probes = document.createElement("div");
    for (const each of COLOURS) probes.appendChild(document.createElement("span")).style.color = `var(${each})`;
    document.body.append(probes);
    colours = new Map(COLOURS.map((each, place) => [each, getComputedStyle(probes.children[place]).color]));
    probes.remove();
  }
  return colours.get(name);
}

const drawn = new Set();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { colours = null; for (const chart of drawn) chart.plot?.redraw(); });

export function duration(seconds) {
  const size = Math.abs(seconds);
  if (size < 60) return `${shown(seconds)} s`;
  if (size < 3600) return `${Math.trunc(seconds / 60)} m ${String(Math.round(size % 60)).padStart(2, "0")} s`;
  if (size < 86400) return `${Math.trunc(seconds / 3600)} h ${String(Math.floor(size % 3600 / 60)).padStart(2, "0")} m`;
  return `${Math.trunc(seconds / 86400)} d ${String(Math.floor(size % 86400 / 3600)).padStart(2, "0")} h`;
}

const clock = (seconds) => new Date(seconds * 1000).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Under the places of a clock's axis: hours, and the day where it is another one. */
function clocks(splits, apart) {
  let day = "";
  return splits.map((seconds) => {
    const at = new Date(seconds * 1000), now = at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    const time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...(apart < 60 ? { second: "2-digit" } : {}) });
    const text = apart >= 86400 ? now : now === day ? time : `${time}\n${now}`;
    day = now;
    return text;
  });
}

/** Exponential, corrected at its beginning, so that it begins at the first value: as TensorBoard's. */
function smoothed({ low, high, count }, weight) {
  const found = new Float64Array(count);
  let last = 0, debias = 0;
  for (let place = 0; place < count; place++) {
    const value = (low[place] + high[place]) / 2;
    if (Number.isNaN(value)) { found[place] = NaN; continue; }
    last = last * weight + (1 - weight) * value;
    debias = debias * weight + (1 - weight);
    found[place] = last / debias;
  }
  return found;
}

export class LineChart {
  /** `options`: {height, key: charts of one key share their cursor, zoomed(from, to), label(run), colour(run), hidden(run), opened(run)}. */
  constructor(figure, options) {
    this.figure = figure;
    this.options = options;
    this.at = null; // the place under the cursor
    this.hot = null;
    this.dragged = -Infinity;
    this.readout = figure.querySelector("output");
    this.place = figure.appendChild(document.createElement("div"));
    this.place.className = "plot-area";
    figure.tabIndex = 0;
    figure.addEventListener("keydown", (event) => this.key(event));
    drawn.add(this);
  }

  destroy() {
    drawn.delete(this);
    this.plot?.destroy();
    this.plot = null;
  }

  /** Draws it anew. `settings`: {smooth, log}; `chart`: as the server sent it, null for none; `range`: [from, to] of the axis that is looked at. */
  show(chart, settings, range) {
    const at = this.at === null ? null : this.chart?.x[this.at] ?? null, hot = this.hot?.curve.run;
    this.at = this.hot = null;
    this.chart = chart;
    this.settings = settings;
    this.range = range;
    if (!range && chart?.x.length) this.whole = [chart.x[0], chart.x[chart.x.length - 1]];
    if (!chart?.x.length || !chart.curves.some((curve) => curve.low.some((value) => !Number.isNaN(value)))) return this.nothing(chart);
    this.place.querySelector("p")?.remove();
    this.log = settings.log && !chart.base;
    this.lines = chart.curves.filter((curve) => curve.count).map((curve) => ({
      curve, low: curve.low, high: curve.high, smooth: settings.smooth ? smoothed(curve, settings.smooth) : null,
    }));
    if (this.plot && (this.plot.axis !== chart.axis || this.plot.is_log !== this.log)) { this.plot.destroy(); this.plot = null; }
    this.bounds();
    if (at !== null) { // where the cursor was
      this.at = nearest(chart.x, at);
      this.hot = this.visible().find(({ curve }) => curve.run === hot) ?? null;
    }
    if (!this.plot) this.build();
    else {
      this.plot.batch(() => {
        this.plot.setData([chart.x, this.flat()], false);
        this.plot.setScale("x", this.across());
        this.plot.setScale("y", { min: this.low, max: this.high });
      });
      this.plot.redraw(false, true);
    }
    this.told();
  }

  nothing(chart) {
    this.plot?.destroy();
    this.plot = null;
    const said = this.place.querySelector("p") ?? this.place.appendChild(document.createElement("p"));
    said.textContent = this.range ? "nothing here" : "no finite value";
    this.readout.textContent = chart?.curves.some((curve) => curve.nans) ? "NaN" : "–";
  }

  flat() { return new Float64Array(this.chart.x.length).fill(this.low); }

  across() {
    const { x } = this.chart;
    let [min, max] = this.range ?? [x[0], x[x.length - 1]];
    if (!(max > min)) { const around = Math.abs(min) / 10 || 1; min -= around; max += around; }
    return { min, max };
  }

  visible() { return this.lines.filter(({ curve }) => !this.options.hidden?.(curve.run)); }

  /** Lowest and highest of what is drawn; on a log scale of what is positive. */
  bounds() {
    let low = Infinity, high = -Infinity;
    const shown_lines = this.visible(), raw = !this.settings.smooth || shown_lines.length <= RAW_CURVES;
    const see = (value) => { if ((!this.log || value > 0) && !Number.isNaN(value)) { if (value < low) low = value; if (value > high) high = value; } };
    for (const line of shown_lines) {
      if (raw) for (let place = 0; place < line.low.length; place++) { see(line.low[place]); see(line.high[place]); }
      else line.smooth.forEach(see);
    }
    this.is_empty = low > high;
    if (this.is_empty) [low, high] = this.log ? [1, 10] : [0, 1];
    if (this.log) {
      const [from, to] = [Math.log10(low), Math.log10(high)], around = (to - from) * 0.04 || 0.5;
      [this.low, this.high] = [10 ** (from - around), 10 ** (to + around)];
    } else {
      const around = (high - low) * 0.04 || Math.abs(low) / 10 || 1;
      [this.low, this.high] = [low - around, high + around];
    }
  }

  value(sent) { return this.chart.base + this.chart.scale * sent; }

  build() {
    const { chart } = this, is_time = chart.axis === "time";
    const width = Math.max(120, this.place.clientWidth);
    const axis = { stroke: () => colour("--soft"), font: "11px system-ui, sans-serif", grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false } };
    const options = {
      width, height: this.options.height, padding: [8, 10, 0, 0], legend: { show: false },
      scales: { x: { time: is_time, auto: false, ...this.across() }, y: { auto: false, min: this.low, max: this.high, distr: this.log ? 3 : 1 } },
      axes: [
        { ...axis, size: is_time ? 38 : 26, gap: 4, ...(is_time ? { values: (_, splits, __, ___, apart) => clocks(splits, apart) } : { splits: (_, __, min, max) => ticks(min, max, Math.max(2, Math.floor(this.place.clientWidth / 110))), values: (_, splits) => splits.map((value) => this.along(value)) }) },
        { ...axis, gap: 4, size: (_, values) => 12 + DIGIT * Math.max(4, ...(values ?? []).map((text) => text.length)), splits: (_, __, min, max) => this.rungs(min, max), values: (_, splits) => splits.map((value) => shown(this.value(value))) },
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      cursor: {
        y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: 6 },
        ...(this.options.key ? { sync: { key: this.options.key, scales: ["x", null], filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } } } : {}),
        bind: { dblclick: () => () => this.options.zoomed?.() },
      },
      hooks: {
        draw: [() => this.draw()],
        setCursor: [(plot) => this.pointed(plot.cursor)],
        setSelect: [({ select, posToVal }) => {
          if (select.width < 6) return;
          this.dragged = performance.now();
          const [from, to] = [posToVal(select.left, "x"), posToVal(select.left + select.width, "x")];
          this.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          this.zoom(from, to);
        }],
      },
    };
    this.plot = new uPlot(options, [chart.x, this.flat()], this.place);
    this.plot.axis = chart.axis;
    this.plot.is_log = this.log;
    this.over = this.plot.over.appendChild(document.createElement("canvas"));
    this.over.className = "hot";
    this.plot.over.addEventListener("click", () => { if (this.hot && this.options.opened && performance.now() - this.dragged > 50) this.options.opened(this.hot.curve.run); });
  }

  /** The stretch that was drawn over is shown at once, as it is known, and finer when it has come. */
  zoom(from, to) {
    this.range = [from, to];
    this.options.zoomed?.(from, to); // asks first: the server works while what is known is drawn
    this.plot?.setScale("x", { min: from, max: to });
  }

  rungs(min, max) {
    if (!this.log) return ticks(min, max, this.options.height > 240 ? 5 : 4);
    const [from, to] = [Math.ceil(Math.log10(min)), Math.floor(Math.log10(max))];
    const factors = to - from < 2 ? [1, 2, 5] : [1], apart = Math.max(1, Math.ceil((to - from) / 6)), found = [];
    for (let power = from - 1; power <= to; power += apart) for (const factor of factors) { const value = factor * 10 ** power; if (value >= min && value <= max) found.push(value); }
    return found.length > 1 ? found : ticks(min, max, 4).filter((value) => value > 0);
  }

  along(value) {
    if (!this.chart.exact && (this.chart.axis === "step" || this.chart.axis === "index")) value = Math.round(value);
    return this.chart.axis === "relative" ? duration(value) : this.chart.axis === "time" ? clock(value) : shown(value);
  }

  resize() {
    if (!this.plot) return;
    const width = this.place.clientWidth;
    if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: this.options.height });
  }

  /** From a curve to places of the canvas: where uPlot has its axes. */
  scales() {
    const { bbox, scales } = this.plot, { min, max } = scales.x;
    const to = this.log ? Math.log10 : (value) => value, low = to(scales.y.min), span = to(scales.y.max) - low;
    return {
      bbox,
      across: (value) => bbox.left + (value - min) / (max - min) * bbox.width,
      down: (value) => bbox.top + (1 - (to(value) - low) / span) * bbox.height,
    };
  }

  trace(context, { curve, low, high }, smooth, { across, down }) {
    const { x } = this.chart, { first } = curve, count = low.length;
    let begun = false, last = 0, dots = 0;
    context.beginPath();
    const line = (place, value) => { if (begun) context.lineTo(place, value); else context.moveTo(place, value); begun = true; last = value; dots++; };
    for (let each = 0; each < count; each++) {
      let one = smooth ? smooth[each] : low[each], other = smooth ? one : high[each];
      if (Number.isNaN(one)) continue;
      if (this.log) { if (!(other > 0)) continue; if (!(one > 0)) one = other; }
      const place = across(x[first + each]);
      if (one === other) { line(place, down(one)); continue; }
      one = down(one); other = down(other);
      if (Math.abs(one - last) > Math.abs(other - last)) [one, other] = [other, one]; // the nearer end first
      line(place, one); line(place, other);
    }
    return dots;
  }

  draw() {
    const { ctx } = this.plot, scales = this.scales(), { bbox } = scales, ratio = devicePixelRatio;
    const lines = this.visible(), raw = lines.length <= RAW_CURVES;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top - 2, bbox.width, bbox.height + 4);
    ctx.clip();
    ctx.lineJoin = "round";
    ctx.lineWidth = (lines.length > 20 ? 1 : 1.5) * ratio;
    for (const line of lines) {
      ctx.strokeStyle = ctx.fillStyle = this.colour(line.curve.run);
      if (!line.smooth || raw) {
        ctx.globalAlpha = line.smooth ? 0.28 : 1;
        const dots = this.trace(ctx, line, null, scales);
        ctx.stroke();
        if (dots <= DOTS) this.dots(ctx, line, scales, ratio);
        ctx.globalAlpha = 1;
      }
      if (line.smooth) { this.trace(ctx, line, line.smooth, scales); ctx.stroke(); }
    }
    ctx.restore();
    if (this.is_empty && this.log) { ctx.fillStyle = colour("--soft"); ctx.fillText("no positive value", bbox.left + 12 * ratio, bbox.top + 20 * ratio); }
    this.mark();
  }

  dots(ctx, { curve, low, high }, { across, down }, ratio) {
    for (let each = 0; each < low.length; each++) for (const value of low[each] === high[each] ? [low[each]] : [low[each], high[each]]) {
      if (Number.isNaN(value) || (this.log && !(value > 0))) continue;
      ctx.beginPath();
      ctx.arc(across(this.chart.x[curve.first + each]), down(value), 2 * ratio, 0, 7);
      ctx.fill();
    }
  }

  colour(run) { return colour(this.options.colour?.(run) ?? "--link"); }

  /** The curve that is pointed at, thick, and where it is: on a canvas of their own, so that the others are not drawn again. */
  mark() {
    if (!this.over) return;
    const { over } = this, { width, height } = this.plot.bbox, ratio = devicePixelRatio;
    if (over.width !== width || over.height !== height) { over.width = width; over.height = height; over.style.width = `${width / ratio}px`; over.style.height = `${height / ratio}px`; }
    const ctx = over.getContext("2d"), scales = this.scales(), { bbox } = scales;
    ctx.clearRect(0, 0, width, height);
    if (!this.hot || this.at === null) return;
    ctx.save();
    ctx.translate(-bbox.left, -bbox.top);
    ctx.strokeStyle = ctx.fillStyle = this.colour(this.hot.curve.run);
    const at = scales.across(this.chart.x[this.at]);
    ctx.globalAlpha = 0.4;
    ctx.fillRect(at, bbox.top, ratio, bbox.height);
    ctx.globalAlpha = 1;
    ctx.lineWidth = 3 * ratio;
    ctx.lineJoin = "round";
    if (this.lines.length > 1) { this.trace(ctx, this.hot, this.hot.smooth, scales); ctx.stroke(); }
    const found = this.value_at(this.hot, this.at);
    if (found && (!this.log || found.sent > 0)) {
      ctx.beginPath();
      ctx.arc(scales.across(this.chart.x[found.place]), scales.down(found.sent), 3.5 * ratio, 0, 7);
      ctx.fill();
    }
    ctx.restore();
  }

  /** What a curve has at a place of the grid, or next to it. */
  value_at({ curve, low, high, smooth }, place) {
    const own = place - curve.first;
    for (let off = 0; own - off >= 0 || own + off < low.length; off++) {
      for (const each of [own - off, own + off]) {
        if (each < 0 || each >= low.length || Number.isNaN(low[each])) continue;
        return { place: each + curve.first, sent: smooth ? smooth[each] : (low[each] + high[each]) / 2, low: low[each], high: high[each] };
      }
    }
    return null;
  }

  pointed({ left, top }) {
    if (!this.plot || !this.lines) return;
    if (left === undefined || left < 0) { this.at = null; this.hot = null; this.mark(); this.told(); return; }
    this.at = nearest(this.chart.x, this.plot.posToVal(left, "x"));
    const lines = this.visible();
    if (lines.length <= 1) this.hot = lines[0] ?? null;
    else if (top >= 0 && this.plot.over.matches(":hover")) {
      let least = NEAR;
      this.hot = null;
      for (const line of lines) {
        const found = this.value_at(line, this.at);
        if (!found) continue;
        const off = Math.abs(this.plot.valToPos(found.sent, "y") - top);
        if (off < least) { least = off; this.hot = line; }
      }
    } else this.hot = lines.find(({ curve }) => curve.run === this.options.chosen?.()) ?? this.hot;
    this.options.pointed?.(this.hot?.curve.run ?? null);
    this.mark();
    this.told();
  }

  told() {
    const { hot, at, readout } = this;
    const title = hot && this.lines.length > 1 ? `${this.options.label(hot.curve.run)} · ` : "";
    if (hot && at !== null) {
      const found = this.value_at(hot, at);
      if (found) {
        const value = hot.smooth || found.low === found.high ? shown(this.value(found.sent)) : `${shown(this.value(found.low))} to ${shown(this.value(found.high))}`;
        readout.textContent = `${title}${AXES[this.chart.axis]} ${this.along(this.chart.x[found.place])}: ${value}`;
        return;
      }
    }
    const [only] = this.lines.length === 1 ? this.lines : [];
    readout.textContent = only ? (only.curve.last === null ? "NaN" : shown(only.curve.last)) : `${this.visible().length} runs`;
    if (only) this.figure.setAttribute("aria-label", `${this.chart.name}: last ${shown(only.curve.last)}, from ${shown(only.curve.min)} to ${shown(only.curve.max)}`);
  }

  /** Arrows move along and from curve to curve, plus and minus zoom, Escape shows all again. */
  key(event) {
    if (!this.plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const { x } = this.chart, { min, max } = this.plot.scales.x, last = x.length - 1;
    const middle = this.at === null ? (min + max) / 2 : x[this.at];
    const along = { ArrowLeft: -1, ArrowRight: 1 }[event.key], between = { ArrowUp: -1, ArrowDown: 1 }[event.key], factor = { "+": 1 / ZOOM, "=": 1 / ZOOM, "-": ZOOM }[event.key];
    if (along) {
      this.at = this.at === null ? (along > 0 ? nearest(x, min) : nearest(x, max)) : Math.min(last, Math.max(0, this.at + along * (event.shiftKey ? 10 : 1)));
      this.hot ??= this.visible()[0] ?? null;
    } else if (between && this.lines.length > 1) {
      const lines = this.visible(), place = lines.indexOf(this.hot);
      this.hot = lines[(place + between + lines.length) % lines.length] ?? null;
      this.at ??= nearest(x, middle);
      this.options.pointed?.(this.hot?.curve.run ?? null);
    } else if (factor) {
      const half = (max - min) / 2 * factor;
      const [least, most] = this.whole ?? [min, max], from = Math.max(least, middle - half), to = Math.min(most, middle + half);
      if (from <= least && to >= most) { if (this.range) this.options.zoomed?.(); } else if (to > from) this.zoom(from, to);
    } else if (event.key === "Escape" && this.range) this.options.zoomed?.();
    else return;
    event.preventDefault();
    this.mark();
    this.told();
  }
}
