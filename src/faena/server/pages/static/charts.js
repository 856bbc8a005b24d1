// What charts that are drawn by hand share: a frame with its labels, numbers as they are shown, places on an axis.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 132, LEFT = 52, RIGHT = 10, TOP = 8, BOTTOM = 20;
const DIGIT = 6.6; // as wide as one of a label is, at most

export function shown(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(3).replace(/\.?0+e/, "e");
  return Number(value.toPrecision(6)).toLocaleString("en", { maximumSignificantDigits: 6 });
}

/** Round numbers in a range, about as many as wanted. */
export function ticks(low, high, wanted) {
  const rough = high / wanted - low / wanted; // their difference may be more than a number holds
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough * 0.999);
  if (!(rough > 0 && step > 0)) return [low];
  const first = Math.ceil(low / step - 1e-9);
  // Beyond 2 ** 53 whole numbers are not one apart: places are counted, and those that fall together drawn once.
  const found = Array.from({ length: wanted + 2 }, (_, place) => (first + place) * step);
  return [...new Set(found)].filter((each) => Number.isFinite(each) && each <= high + step * 1e-9);
}

export function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Draws grid and labels, across those of `marks` where they are given, else both ends; gives the functions from values to places, and back from a place across. */
export function frame(svg, { first, end, low, high, axis, width, height = HEIGHT, of_x = shown, of_y = shown, marks = null }) {
  if (low === high) { const around = Math.abs(low) / 10 || 1; low -= around; high += around; }
  [low, high] = [Math.max(low, -Number.MAX_VALUE), Math.min(high, Number.MAX_VALUE)];
  const part = Number.isFinite(high - low) ? 1 : 0.5; // of each, so that their difference is a number
  const lines = ticks(low, high, height > 150 ? 5 : 3);
  const left = Math.max(LEFT, 8 + DIGIT * Math.max(...lines.map((value) => of_y(value).length)));
  const across = (value) => end === first ? (left + width - RIGHT) / 2 : left + (value - first) / (end - first) * (width - left - RIGHT);
  const down = (value) => TOP + (high * part - value * part) / (high * part - low * part) * (height - TOP - BOTTOM);
  const back = (place) => first + (place - left) / (width - left - RIGHT) * (end - first);
  for (const value of lines) {
    svg.append(element("line", { class: "grid", x1: left, x2: width - RIGHT, y1: down(value), y2: down(value) }));
    svg.append(element("text", { x: left - 6, y: down(value) + 4, "text-anchor": "end" }, of_y(value)));
  }
  const label = (value, anchor) => svg.append(element("text", { x: across(value), y: height - 4, "text-anchor": anchor }, of_x(value)));
  if (marks) for (const value of marks) {
    svg.append(element("line", { class: "grid", x1: across(value), x2: across(value), y1: TOP, y2: height - BOTTOM }));
    label(value, "middle");
  } else if (end === first) label(first, "middle");
  else {
    label(first, "start");
    label(end, "end");
    svg.append(element("text", { x: (left + width - RIGHT) / 2, y: height - 4, "text-anchor": "middle" }, axis));
  }
  return { across, down, back, low, high };
}

/** Lowest and highest; a spread of many thousand arguments is more than a call takes. */
export function range(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  return [low, high];
}

export function nearest(sorted, wanted) {
  let low = 0, high = sorted.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < wanted) low = middle; else high = middle;
  }
  return wanted - sorted[low] < sorted[high] - wanted ? low : high;
}
