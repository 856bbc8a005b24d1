// What an endpoint did in the last minutes, one chart a subject.

import { element, frame, nearest, range, shown } from "./charts.js";

const HEIGHT = 132;
const drawn = new WeakMap();
const sized = new ResizeObserver((entries) => { for (const { target } of entries) drawn.get(target)?.(); });

const SUBJECTS = [
  ["requests", [["all", "requests"], ["4xx", "client_errors"], ["5xx", "server_errors"]], 1],
  ["latencies", [["p50", "p50"], ["p95", "p95"], ["p99", "p99"]], 1000],
  ["waiting", [["", "waiting"]], 1],
  ["cpu", [["", "cpu"]], 1],
  ["memory", [["", "memory"]], 1e-6],
];

/** `curves`: by name, with the times that they are of; null while no front answers. */
export function draw_activity(curves) {
  const at = curves?.at ?? [], minutes = at.map((each) => (each - at.at(-1)) / 60);
  for (const [id, lines, factor] of SUBJECTS) {
    const values = lines.map(([name, key]) => ({ name, y: (curves?.[key] ?? []).map((each) => (each === null ? null : each * factor)) }));
    const figure = document.getElementById(id);
    drawn.set(figure, () => draw(figure, minutes, values));
    sized.observe(figure);
    draw(figure, minutes, values);
  }
}

function draw(figure, x, lines) {
  const width = Math.max(160, Math.round(figure.clientWidth));
  const title = figure.querySelector("figcaption span").textContent;
  const svg = element("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img" });
  const readout = figure.querySelector("output") ?? figure.querySelector("figcaption").appendChild(document.createElement("output"));
  const now = lines.map(({ name, y }) => `${name} ${number(y.at(-1))}`.trim());
  svg.append(element("title", {}, `${title}: now ${now.join(", ")}`));
  const values = lines.flatMap(({ y }) => y.filter((each) => each !== null));
  if (values.length && x.length) plot(svg, x, lines, values, width, readout);
  else {
    readout.textContent = "";
    svg.append(element("text", { x: width / 2, y: HEIGHT / 2, "text-anchor": "middle" }, x.length ? "no request yet" : "no value yet"));
  }
  figure.querySelector("svg")?.remove();
  figure.append(svg);
}

/** The values at a place, each behind the stroke of its line. */
function tell(readout, lines, place) {
  readout.replaceChildren(...lines.map(({ name, y }, line) => {
    const part = document.createElement("span");
    part.className = name ? `of-${line}` : "";
    part.textContent = `${name} ${number(y[place])}`.trim();
    return part;
  }));
}

const number = (value) => (value === null || value === undefined ? "–" : shown(Number(value.toPrecision(3))));

function plot(svg, x, lines, values, width, readout) {
  const high = Math.max(range(values)[1], 0), first = Math.min(-1, Math.floor(x[0]));
  const { across, down, back } = frame(svg, { first, end: 0, low: 0, high: high || 1, axis: "minutes", width });
  lines.forEach(({ y }, place) => svg.append(element("path", { class: `line of-${place}`, d: path(x, y, across, down) })));
  tell(readout, lines, x.length - 1);
  const marks = lines.map((_, place) => svg.appendChild(element("circle", { class: `point of-${place}`, r: 3, visibility: "hidden" })));
  svg.onpointermove = (event) => {
    const place = nearest(x, back(event.offsetX));
    marks.forEach((mark, line) => {
      const value = lines[line].y[place];
      mark.setAttribute("visibility", value === null ? "hidden" : "visible");
      if (value === null) return;
      mark.setAttribute("cx", across(x[place]));
      mark.setAttribute("cy", down(value));
    });
    tell(readout, lines, place);
  };
  svg.onpointerleave = () => { for (const mark of marks) mark.setAttribute("visibility", "hidden"); tell(readout, lines, x.length - 1); };
}

/** A line that is broken where there was nothing; what stands alone is a short stroke. */
function path(x, y, across, down) {
  let text = "", open = false;
  y.forEach((value, place) => {
    if (value === null) { open = false; return; }
    text += `${open ? "L" : "M"}${across(x[place]).toFixed(1)} ${down(value).toFixed(1)}`;
    if (!open && (y[place + 1] ?? null) === null) text += "h1.5";
    open = true;
  });
  return text;
}
