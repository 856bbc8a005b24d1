// A point for each run: one figure over another. Each is a link, so that the keyboard reaches it.

import { element, frame, range, shown, ticks } from "./charts.js";

const HEIGHT = 240;
let latest = null;
const sized = new ResizeObserver(() => { if (latest) draw(...latest); });

/** `points`: {x, y, title, address, colour}; `across`, `up`: {name, log, options}. */
export function draw_scatter(figure, points, across, up) {
  latest = [figure, points, across, up];
  sized.observe(figure);
  draw(figure, points, across, up);
}

function draw(figure, points, across, up) {
  const width = Math.max(160, Math.round(figure.clientWidth)), readout = figure.querySelector("output");
  figure.querySelector("figcaption span").textContent = `${up.name} over ${across.name}`;
  const there = points.filter(({ x, y }) => x !== null && y !== null && (!across.log || x > 0) && (!up.log || y > 0));
  readout.textContent = there.length < points.length ? `${there.length} of ${points.length} runs have both` : "";
  const svg = element("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "group" });
  svg.append(element("title", {}, `${up.name} over ${across.name}, ${there.length} runs`));
  if (!there.length) svg.append(element("text", { x: width / 2, y: HEIGHT / 2, "text-anchor": "middle" }, "no run has both"));
  else plot(svg, there, across, up, width, readout);
  figure.querySelector("svg")?.remove();
  figure.append(svg);
}

/** Round ones; whole numbers where all values are, powers of ten where there are several. */
function places(points, { log }, first, end, wanted) {
  const found = ticks(first, end, wanted), whole = log || points.every(({ x }) => Number.isInteger(x)) ? found.filter(Number.isInteger) : [];
  return whole.length > 1 ? whole : found;
}

function plot(svg, points, across, up, width, readout) {
  const to = (axis) => (axis.log ? Math.log10 : (value) => value), of = (axis) => (axis.log ? (value) => shown(Number((10 ** value).toPrecision(3))) : shown);
  let [first, end] = range(points.map(({ x }) => to(across)(x))), [low, high] = range(points.map(({ y }) => to(up)(y)));
  const options = across.options?.length ? across.options : null;
  if (options) [first, end] = [-0.5, options.length - 0.5];
  else { const around = (end - first) * 0.03 || Math.abs(first) / 10 || 1; [first, end] = [first - around, end + around]; }
  const around = (high - low) * 0.05;
  const drawn = frame(svg, { first, end, low: low - around, high: high + around, marks: options ? [] : places(points, across, first, end, Math.max(2, Math.floor(width / 110))), width, height: HEIGHT, of_x: of(across), of_y: of(up) });
  for (const [place, text] of options?.entries() ?? []) svg.append(element("text", { x: drawn.across(place), y: HEIGHT - 4, "text-anchor": "middle" }, text.length > 14 ? `${text.slice(0, 13)}…` : text));
  for (const { x, y, title, address, colour } of points) {
    const link = svg.appendChild(element("a", { href: address, "aria-label": `${title}: ${across.name} ${options ? options[x] : shown(x)}, ${up.name} ${shown(y)}` }));
    link.append(element("circle", { class: `of${colour}`, cx: drawn.across(to(across)(x)).toFixed(1), cy: drawn.down(to(up)(y)).toFixed(1), r: 5 }));
    const tell = () => { readout.textContent = link.getAttribute("aria-label"); };
    link.addEventListener("pointerenter", tell);
    link.addEventListener("focus", tell);
  }
}
