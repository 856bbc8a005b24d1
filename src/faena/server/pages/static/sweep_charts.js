// What the trials of a sweep came to, by number, and the curves of their metric on one chart.

import { element, frame, nearest, range, shown } from "./charts.js";

const HEIGHT = 220, NEAR = 14;
const drawn = new WeakMap();

const sized = new ResizeObserver((entries) => {
  for (const { target } of entries) drawn.get(target)?.();
});

/** The range that is drawn: where the worst of many values are far away from all others, they are left at the edge. */
export function bounds(values, goal) {
  const [low, high] = range(values);
  if (values.length < 10) return [low, high];
  const sorted = Float64Array.from(values).sort();
  const worst = goal === "maximize" ? sorted[Math.floor(values.length * 0.05)] : sorted[Math.ceil(values.length * 0.95) - 1];
  if (goal === "maximize") return worst - low > 3 * (high - worst) && high > worst ? [worst - (high - worst) / 10, high] : [low, high];
  return high - worst > 3 * (worst - low) && worst > low ? [low, worst + (worst - low) / 10] : [low, high];
}

const within = (value, low, high) => Math.min(high, Math.max(low, value));

function begin(figure, title, again) {
  drawn.set(figure, again);
  sized.observe(figure);
  const width = Math.max(160, Math.round(figure.clientWidth));
  const svg = element("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img" });
  svg.append(element("title", {}, title));
  const readout = figure.querySelector("output") ?? figure.querySelector("figcaption").appendChild(document.createElement("output"));
  figure.querySelector("svg")?.remove();
  figure.append(svg);
  return { svg, width, readout };
}

function nothing(svg, width) {
  svg.append(element("text", { x: width / 2, y: HEIGHT / 2, "text-anchor": "middle" }, "no value yet"));
}

const path = (points) => points.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/** A point for each trial, and the best until then as a line of steps. */
export function draw_history(figure, { metric, goal, history }) {
  const { numbers, values, best_numbers: at, best_values: best, last } = history;
  const { svg, width, readout } = begin(figure, `${metric} by trial, and the best until then`, () => draw_history(figure, { metric, goal, history }));
  readout.textContent = best.length ? `best ${shown(best.at(-1))}` : "";
  if (!numbers.length) return nothing(svg, width);
  const [low, high] = bounds(values, goal);
  const { across, down, back } = frame(svg, { first: Math.min(0, numbers[0]), end: Math.max(1, last), low, high, axis: "trial", width, height: HEIGHT });
  const y = (value) => down(within(value, low, high));
  const dots = svg.appendChild(element("g", { class: "dots" }));
  numbers.forEach((number, place) => dots.append(element("circle", { cx: across(number).toFixed(1), cy: y(values[place]).toFixed(1), r: numbers.length > 300 ? 1.5 : 2.5 })));
  const steps = best.flatMap((value, place) => [
    ...(place ? [[across(at[place]), y(best[place - 1])]] : []), [across(at[place]), y(value)],
  ]);
  svg.append(element("path", { class: "line best", d: path([...steps, [across(Math.max(1, last)), y(best.at(-1))]]) }));
  const mark = svg.appendChild(element("circle", { class: "point", r: 4, visibility: "hidden" }));
  svg.onpointermove = (event) => {
    const place = nearest(numbers, back(event.offsetX));
    mark.setAttribute("cx", across(numbers[place]));
    mark.setAttribute("cy", y(values[place]));
    mark.setAttribute("visibility", "visible");
    readout.textContent = `trial ${numbers[place]}: ${shown(values[place])}`;
  };
  svg.onpointerleave = () => { mark.setAttribute("visibility", "hidden"); readout.textContent = `best ${shown(best.at(-1))}`; };
}

/** The best is drawn last; pointing at a curve says whose it is, a click opens that trial. */
export function draw_curves(figure, found, curves, address) {
  const { metric, best, total } = found;
  const { svg, width, readout } = begin(figure, `${metric} of ${curves.length} trials`, () => draw_curves(figure, found, curves, address));
  const some = total > curves.length ? `${curves.length} of ${total.toLocaleString("en")} trials` : "";
  readout.textContent = some;
  const there = curves.filter((curve) => curve.x.length).sort((one, other) => (one.number === best) - (other.number === best) || one.is_live - other.is_live || one.number - other.number);
  if (!there.length) return nothing(svg, width);
  const [first, end] = range(there.flatMap((curve) => [curve.x[0], curve.x.at(-1)]));
  const [low, high] = middle(there.flatMap((curve) => curve.y));
  const { across, down } = frame(svg, { first, end, low, high, axis: "step", width, height: HEIGHT });
  const y = (value) => down(within(value, low, high));
  const lines = there.map((curve) => ({ curve, points: curve.x.map((value, place) => [across(value), y(curve.y[place])]) }));
  for (const { curve, points } of lines) {
    const kind = curve.number === best ? "line best" : curve.is_live ? "line going" : "line";
    if (points.length === 1) svg.append(element("circle", { class: kind.replace("line", "point"), cx: points[0][0], cy: points[0][1], r: 2.5 }));
    else svg.append(element("path", { class: kind, d: path(points) }));
  }
  const hot = svg.appendChild(element("path", { class: "line hot", visibility: "hidden" }));
  let pointed = null;
  svg.onpointermove = ({ offsetX, offsetY }) => {
    let least = NEAR;
    pointed = null;
    for (const each of lines) {
      const [, height] = each.points[nearest(each.points.map(([x]) => x), offsetX)];
      if (Math.abs(height - offsetY) < least) { least = Math.abs(height - offsetY); pointed = each; }
    }
    hot.setAttribute("visibility", pointed ? "visible" : "hidden");
    if (pointed) hot.setAttribute("d", path(pointed.points));
    readout.textContent = pointed ? `trial ${pointed.curve.number}: ${shown(pointed.curve.y.at(-1))}` : some;
  };
  svg.onpointerleave = () => { pointed = null; hot.setAttribute("visibility", "hidden"); readout.textContent = some; };
  svg.onclick = () => { if (pointed) location.assign(`${address}/trials/${pointed.curve.number}`); };
}

/** Without the hundredth at either end, where that is far away: what diverges leaves the others to be told apart. */
function middle(values) {
  const [low, high] = range(values);
  if (values.length < 50) return [low, high];
  const sorted = Float64Array.from(values).sort();
  const [under, over] = [sorted[Math.floor(values.length * 0.02)], sorted[Math.ceil(values.length * 0.98) - 1]];
  const span = over - under || 1;
  return [under - low > 3 * span ? under - span / 10 : low, high - over > 3 * span ? over + span / 10 : high];
}
