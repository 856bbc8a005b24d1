// Parallel coordinates: an axis for each parameter and one for the metric, a line for each trial of a sweep or each run
// that is compared (`titles`, `addresses`, `colours`: theirs; else a line's colour says how good it is). A stretch of
// an axis that is drawn over with the pointer, or given below, picks trials.

import { element, range, shown, ticks } from "./charts.js";
import { bounds } from "./sweep_charts.js";

const HEIGHT = 300, TOP = 38, BOTTOM = 24, LEFT = 64, RIGHT = 44, APART = 96, WITHIN = 16, EDGE = 6, NEAR = 10;
const CLASSES = 5, MOST_LABELS = 12, LETTERS = 13, MOST_NAMED = 5;
const NONE = "not set";
const brushes = new Map(); // by the name of an axis: {low, high}, or {options: a set of places, null for none}
let state = null, dragging = false, later = null;

const short = (text, most = LETTERS) => text.length > most ? `${text.slice(0, most - 1)}…` : text;
const brief = (value) => Math.abs(value) >= 1e4 && Math.abs(value) < 1e15 ? value.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 3 }) : shown(value);
const noun = (count) => `${state.data.titles ? "run" : "trial"}${count === 1 ? "" : "s"}`;
const title = (trial) => state.data.titles?.[trial] ?? `trial ${state.data.numbers[trial]}`;
const address_of = (trial) => state.data.addresses?.[trial] ?? `${state.address}/trials/${state.data.numbers[trial]}`;
const html = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made[key] = value;
  made.append(...children);
  return made;
};

export function draw_parallel(section, data, address) {
  if (dragging) { later = [section, data, address]; return; }
  section.hidden = !data.numbers.length || !data.axes.length; // a lone axis of the metric says nothing
  if (section.hidden) return;
  const axes = [...data.axes, { name: data.metric, kind: "number", options: [], values: data.values, is_metric: true }]
    .map((axis) => ({ ...axis, has_none: axis.values.includes(null) }));
  const shape = JSON.stringify(axes.map(({ name, kind, options, has_none }) => [name, kind, options, has_none]));
  const better = (one, other) => (data.values[one] - data.values[other]) * (data.goal === "maximize" ? 1 : -1) || data.numbers[other] - data.numbers[one]; // the first of equals, as everywhere
  const order = data.numbers.map((_, place) => place).sort(better);
  const is_new = state?.shape !== shape;
  state = { section, data, axes, shape, address, order, ...(is_new ? {} : { chart: state.chart, output: state.output, inputs: state.inputs }) };
  if (is_new) build();
  draw();
}

function build() {
  const { section, data, axes } = state;
  for (const name of brushes.keys()) if (!axes.some((axis) => axis.name === name)) brushes.delete(name);
  const clear = html("button", { type: "button", className: "quiet", textContent: "Clear ranges" });
  clear.onclick = () => { brushes.clear(); pick(); };
  state.output = html("output");
  state.output.setAttribute("aria-live", "polite");
  state.chart = html("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Parallel coordinates" });
  state.inputs = axes.map((axis) => ({ axis, fields: axis.kind === "options" ? option_fields(axis) : number_fields(axis) }));
  const ranges = html("details", {}, html("summary", { textContent: "Ranges" }), html("div", { className: "ranges" },
    ...state.inputs.map(({ axis, fields }) => html("fieldset", {}, html("legend", { textContent: axis.name }), ...fields.map((field) => field.label)))));
  ranges.open = section.querySelector("details")?.open ?? false;
  const focused = [...section.querySelectorAll("input")].indexOf(document.activeElement);
  section.replaceChildren(
    html("div", { className: "bar" }, html("h2", { textContent: `Parameters and ${data.metric}` }), state.output, clear),
    state.chart, html("p", { className: "pointed" }), ranges,
  );
  if (focused >= 0) section.querySelectorAll("input")[focused]?.focus({ preventScroll: true });
  new ResizeObserver(() => draw()).observe(state.chart);
}

function number_fields(axis) {
  return ["low", "high"].map((end) => {
    const input = html("input", { type: "text", inputMode: "decimal", placeholder: end === "low" ? "least" : "most" });
    input.onchange = () => {
      const given = input.value.trim().replaceAll(",", ""), value = Number(given);
      const brush = { low: -Infinity, high: Infinity, ...brushes.get(axis.name) };
      if (given && Number.isNaN(value)) input.setAttribute("aria-invalid", "true");
      else {
        input.removeAttribute("aria-invalid");
        brush[end] = given ? value : end === "low" ? -Infinity : Infinity;
        if (brush.low === -Infinity && brush.high === Infinity) brushes.delete(axis.name);
        else brushes.set(axis.name, brush);
        pick();
      }
    };
    return { input, end, label: html("label", {}, html("span", { textContent: end === "low" ? "from" : "to" }), input) };
  });
}

const places_of = (axis) => [...axis.options.keys(), ...(axis.has_none ? [null] : [])];

function option_fields(axis) {
  return places_of(axis).slice(0, 40).map((place) => {
    const input = html("input", { type: "checkbox", checked: true });
    input.onchange = () => {
      const all = places_of(axis), picked = new Set(brushes.get(axis.name)?.options ?? all);
      if (input.checked) picked.add(place); else picked.delete(place);
      if (picked.size === all.length) brushes.delete(axis.name);
      else brushes.set(axis.name, { options: picked });
      pick();
    };
    return { input, place, label: html("label", {}, input, html("span", { textContent: short(place === null ? NONE : axis.options[place], 40) })) };
  });
}

/** From values to places on an axis, and the other way. */
function scale(axis, goal) {
  const top = TOP, bottom = HEIGHT - BOTTOM - (axis.has_none ? 20 : 0), none = HEIGHT - BOTTOM;
  if (axis.kind === "options") {
    const count = axis.options.length, apart = (bottom - top) / Math.max(1, count);
    return { none, down: (place) => place === null ? none : bottom - (place + 0.5) * apart, marks: [...axis.options.keys()].map((place) => [place, axis.options[place]]) };
  }
  const values = axis.values.filter((value) => value !== null);
  let [low, high] = axis.is_metric ? bounds(values, goal) : range(values);
  const to = axis.kind === "log" ? Math.log10 : (value) => value, from = axis.kind === "log" ? (value) => 10 ** value : (value) => value;
  [low, high] = [to(low), to(high)];
  if (!(high > low)) { const around = Math.abs(low) / 10 || 1; low -= around; high += around; }
  const part = Number.isFinite(high - low) ? 1 : 0.5;
  const down = (value) => value === null ? none : top + (high * part - Math.min(high, Math.max(low, to(value))) * part) / (high * part - low * part) * (bottom - top);
  const back = (place) => {
    const share = (bottom - place) / (bottom - top);
    return from(low * (1 - share) + high * share);
  };
  const whole = axis.kind === "log" ? ticks(low, high, 4).filter(Number.isInteger) : [];
  const marks = whole.length > 1 ? whole.map(from) : axis.kind === "log" ? [0, 1 / 3, 2 / 3, 1].map((share) => from(low + (high - low) * share)) : ticks(low, high, 5);
  return { none, down, back, low: from(low), high: from(high), marks: marks.map((value) => [value, brief(Number(value.toPrecision(3)))]) };
}

function draw() {
  const { chart, data, axes, order } = state;
  if (!chart.clientWidth || dragging) return;
  const width = Math.max(chart.clientWidth, LEFT + RIGHT + APART * (axes.length - 1));
  const svg = element("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img" });
  svg.append(element("title", {}, `${data.numbers.length} ${noun(data.numbers.length)} by ${axes.map((axis) => axis.name).join(", ")}`));
  const apart = (width - LEFT - RIGHT) / Math.max(1, axes.length - 1);
  state.scales = axes.map((axis, place) => ({ x: LEFT + place * apart, ...scale(axis, data.goal) }));
  const all = svg.appendChild(element("g", { class: "trials" }));
  state.lines = order.map((trial, rank) => {
    const points = axes.map((axis, place) => [state.scales[place].x, state.scales[place].down(axis.values[trial])]);
    const d = points.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
    const is_best = rank === order.length - 1;
    const line = all.appendChild(element("path", { class: is_best ? "best" : `q${Math.floor(rank / order.length * CLASSES)}`, d }));
    if (data.colours) line.classList.add(`of${data.colours[trial]}`);
    return { trial, line, points, d };
  });
  state.hot = svg.appendChild(element("path", { class: "hot", visibility: "hidden" }));
  axes.forEach((axis, place) => draw_axis(svg, axis, place));
  svg.onpointermove = point;
  svg.onpointerleave = () => unpoint();
  svg.onclick = ({ target }) => { if (state.pointed && !target.closest(".brushed")) location.assign(address_of(state.pointed.trial)); };
  chart.replaceChildren(svg);
  state.svg = svg;
  pick();
}

function draw_axis(svg, axis, place) {
  const { x, marks, none, down } = state.scales[place];
  svg.append(element("line", { class: "axis", x1: x, x2: x, y1: TOP - 6, y2: HEIGHT - BOTTOM + 6 }));
  const name = svg.appendChild(element("text", { class: "name", x, y: 16, "text-anchor": "middle" }, short(axis.name)));
  name.append(element("title", {}, axis.name));
  const label = (y, text) => {
    const made = svg.appendChild(element("text", { class: "mark", x: x - 6, y: y + 4, "text-anchor": "end" }, short(text, 9)));
    if (text.length > 9) made.append(element("title", {}, text));
  };
  const apart = Math.ceil(marks.length / MOST_LABELS);
  marks.forEach(([value, text], each) => { if (each % apart === 0) label(down(value), text); });
  if (axis.has_none) label(none, NONE);
  const group = svg.appendChild(element("g", { class: "brushed" }));
  group.append(element("rect", { class: "brush", x: x - 8, width: 16, y: 0, height: 0, visibility: "hidden" }));
  const hit = group.appendChild(element("rect", { class: "hit", x: x - WITHIN, width: 2 * WITHIN, y: TOP - 10, height: HEIGHT - TOP - BOTTOM + 20 }));
  hit.onpointerdown = (event) => drag(event, axis, place, hit);
}

/** Where the brush of an axis is drawn. */
function stretch(axis, place) {
  const brush = brushes.get(axis.name), { down, low, high, none } = state.scales[place];
  if (!brush) return null;
  if (!brush.options) {
    if (brush.high < low || brush.low > high || brush.low > brush.high) return null;
    return [down(Math.min(brush.high, high)) - 2, down(Math.max(brush.low, low)) + 2];
  }
  const picked = [...brush.options].map((each) => each === null ? none : down(each));
  return picked.length ? [Math.min(...picked) - 9, Math.max(...picked) + 9] : null;
}

function drag(event, axis, place, hit) {
  if (event.button) return;
  event.preventDefault();
  const at = ({ clientY }) => Math.min(HEIGHT, Math.max(0, clientY - state.svg.getBoundingClientRect().top));
  const begun = at(event), old = stretch(axis, place);
  const how = !old ? "new" : Math.abs(begun - old[0]) <= EDGE ? "top" : Math.abs(begun - old[1]) <= EDGE ? "bottom" : begun > old[0] && begun < old[1] ? "move" : "new";
  let is_moved = false;
  dragging = true;
  hit.setPointerCapture(event.pointerId);
  hit.onpointermove = (moved) => {
    const now = at(moved);
    is_moved ||= Math.abs(now - begun) > 3;
    if (!is_moved) return;
    const by = now - begun;
    const ends = how === "move" ? [old[0] + by, old[1] + by] : how === "top" ? [now, old[1]] : how === "bottom" ? [old[0], now] : [begun, now];
    brush(axis, place, Math.min(...ends), Math.max(...ends));
  };
  hit.onpointerup = hit.onpointercancel = () => {
    hit.onpointermove = hit.onpointerup = hit.onpointercancel = null;
    dragging = false;
    if (!is_moved) { brushes.delete(axis.name); pick(); }
    if (later) { const latest = later; later = null; draw_parallel(...latest); }
  };
}

/** Picks what lies between two heights. */
function brush(axis, place, top, bottom) {
  const { back, down, none } = state.scales[place];
  if (axis.kind === "options") {
    const inside = places_of(axis).filter((each) => { const y = each === null ? none : down(each); return y >= top && y <= bottom; });
    brushes.set(axis.name, { options: new Set(inside) });
  } else {
    const { low, high } = state.scales[place];
    const [least, most] = [back(bottom), back(top)];
    brushes.set(axis.name, { low: least <= low ? -Infinity : rounded(least), high: most >= high ? Infinity : rounded(most) });
  }
  pick();
}

const rounded = (value) => Number(value.toPrecision(4));

function is_picked(trial) {
  return state.axes.every((axis) => {
    const brush = brushes.get(axis.name), value = axis.values[trial];
    if (!brush) return true;
    return brush.options ? brush.options.has(value) : value !== null && value >= brush.low && value <= brush.high;
  });
}

/** Shows what the brushes pick, in the chart, in the fields and in words. */
function pick() {
  const { data, axes, scales, lines, svg, inputs } = state;
  if (!svg) return;
  const picked = lines.filter((each) => {
    each.is_in = is_picked(each.trial);
    each.line.classList.toggle("off", !each.is_in);
    return each.is_in;
  });
  [...svg.querySelectorAll("rect.brush")].forEach((rect, place) => {
    const found = stretch(axes[place], place);
    rect.setAttribute("visibility", found ? "visible" : "hidden");
    if (!found || !scales[place]) return;
    rect.setAttribute("y", found[0]);
    rect.setAttribute("height", Math.max(1, found[1] - found[0]));
  });
  for (const { axis, fields } of inputs) {
    const brush = brushes.get(axis.name);
    for (const { input, end, place } of fields) {
      if (axis.kind === "options") input.checked = !brush || brush.options.has(place);
      else input.value = Number.isFinite(brush?.[end] ?? Infinity) ? String(brush[end]) : "";
    }
  }
  said(picked, data);
  unpoint();
}

function said(picked, data) {
  const many = (count) => count.toLocaleString("en");
  const best = picked.slice(-MOST_NAMED).reverse();
  const drawn = data.valued > data.numbers.length ? `the ${many(data.numbers.length)} that are the best and the latest of ${many(data.valued)}` : many(data.numbers.length);
  const links = best.flatMap(({ trial }, place) => [
    place ? ", " : ": best ",
    html("a", { href: address_of(trial), textContent: title(trial) }), ` (${shown(data.values[trial])})`,
  ]);
  const further = data.more_axes ? ` · ${data.more_axes} more parameters have no axis` : "";
  const text = brushes.size ? [`${many(picked.length)} of ${drawn} ${noun(data.numbers.length)}`, ...links] : [`${drawn} ${noun(data.numbers.length)} with a value${further}`];
  if (state.output.textContent !== text.map((each) => each.textContent ?? each).join("")) state.output.replaceChildren(...text);
}

function unpoint() {
  state.pointed = null;
  state.hot?.setAttribute("visibility", "hidden");
  state.section.querySelector(".pointed").textContent = "";
}

/** The line next to the pointer is told whole. */
function point(event) {
  if (dragging) return;
  const { svg, scales, lines, axes, data, hot } = state;
  const box = svg.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  let place = scales.findIndex((each) => each.x > x) - 1;
  if (place === -2) place = scales.length - 2;
  if (place < 0 || x > scales.at(-1).x + EDGE) return unpoint();
  const share = (x - scales[place].x) / (scales[place + 1].x - scales[place].x);
  let least = NEAR, found = null;
  for (const each of lines) {
    if (!each.is_in) continue;
    const off = Math.abs(each.points[place][1] * (1 - share) + each.points[place + 1][1] * share - y);
    if (off <= least) { least = off; found = each; }
  }
  if (!found) return unpoint();
  state.pointed = found;
  hot.setAttribute("d", found.d);
  hot.setAttribute("visibility", "visible");
  const text = (axis) => {
    const value = axis.values[found.trial];
    return value === null ? NONE : axis.kind === "options" ? axis.options[value] : shown(value);
  };
  state.section.querySelector(".pointed").textContent = `${title(found.trial)}: ${axes.map((axis) => `${axis.name} ${short(text(axis), 60)}`).join(" · ")}`;
}
