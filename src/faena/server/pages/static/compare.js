// Runs side by side: their metrics over one another, their results by their parameters, what differs.

import "./page.js";
import "./views.js";
import { ChartGrid, Settings } from "./chart_grid.js";
import { refresh } from "./page.js";

const EVERY = 5000; // milliseconds after which curves of runs that go on are asked for again
const article = document.getElementById("compare");
const items = new Map([...article?.querySelectorAll(".compared li") ?? []].map((item) => [item.dataset.run, item]));
const runs = [...items.keys()], hidden = new Set(new URLSearchParams(location.search).getAll("off").filter((run) => items.has(run)));
let grid = null, figures = null, draw_parallel = null, draw_scatter = null;

const keep = (change) => {
  const query = new URLSearchParams(location.search);
  change(query);
  history.replaceState(history.state, "", `${location.pathname}?${query}`);
};

function overlaid() {
  const section = document.getElementById("overlaid");
  if (!section) return;
  const settings = new Settings(section.querySelector("form"), () => grid.changed());
  grid = new ChartGrid(section.querySelector(".grid"), JSON.parse(section.dataset.names), { runs, source: "script" }, settings, {
    height: 230,
    label: (run) => items.get(run)?.dataset.title ?? run,
    colour: (run) => items.get(run)?.dataset.colour ?? "--link",
    hidden: (run) => hidden.has(run),
    opened: (run) => location.assign(items.get(run).querySelector("a").href),
    pointed: hot,
    drawn: later,
    more: section.dataset.more,
  });
  grid.axis = settings.axis;
}

/** What is below the charts comes once the first of them are there. */
let is_late = false;
function later() {
  if (is_late) return;
  is_late = true;
  requestIdleCallback(() => { figured().catch(() => {}); different().catch(() => {}); }, { timeout: 1000 });
}

let pointed = null;
function hot(run) {
  if (run === pointed) return;
  items.get(pointed)?.classList.remove("is-hot");
  pointed = run;
  const item = items.get(run), list = item?.closest("aside");
  item?.classList.add("is-hot");
  if (item && (item.offsetTop < list.scrollTop || item.offsetTop + item.offsetHeight > list.scrollTop + list.clientHeight)) list.scrollTop = item.offsetTop - list.clientHeight / 2;
}

for (const [run, item] of items) {
  const box = item.querySelector("input");
  box.checked = !hidden.has(run);
  box.addEventListener("change", () => {
    if (box.checked) hidden.delete(run); else hidden.add(run);
    keep((query) => { query.delete("off"); for (const each of hidden) query.append("off", each); });
    grid?.redraw();
    draw();
  });
}

article?.addEventListener("click", (event) => {
  const button = event.target.closest("button.without");
  if (!button) return;
  const query = new URLSearchParams(location.search), { run } = button.closest("li").dataset;
  for (const name of ["run", "off"]) { const kept = query.getAll(name).filter((each) => each !== run); query.delete(name); for (const each of kept) query.append(name, each); }
  location.assign(`${location.pathname}?${query}`);
});

const form = document.querySelector("#figures form");

async function figured() {
  const [answer, parallel, scatter] = await Promise.all([fetch(`/ui/compare/figures?${article.dataset.query}`), import("./parallel.js"), import("./scatter.js")]);
  if (!answer.ok) return;
  figures = await answer.json();
  ({ draw_parallel } = parallel);
  ({ draw_scatter } = scatter);
  const metrics = Object.keys(figures.metrics);
  if (!metrics.length) return;
  const { x, y } = form.elements, given = new URLSearchParams(location.search);
  y.replaceChildren(...metrics.map((name) => new Option(name, name)));
  x.replaceChildren(
    ...figures.parameters.map(({ name }) => new Option(name, `parameters.${name}`)),
    ...[...metrics.slice(1), metrics[0]].map((name) => new Option(`${name} (metric)`, `metrics.${name}`)),
  );
  for (const field of form.elements) {
    if (!given.has(field.name)) continue;
    if (field.type === "checkbox") field.checked = true;
    else if ([...field.options].some((option) => option.value === given.get(field.name))) field.value = given.get(field.name);
  }
  document.getElementById("figures").hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    keep((query) => { for (const field of form.elements) { if (field.type === "checkbox" ? field.checked : field.selectedIndex > 0) query.set(field.name, field.value); else query.delete(field.name); } });
    draw();
  });
  draw();
}

/** What the name of a metric lets one expect, where nobody has said which of its values are the better ones. */
function expected(name) {
  return /acc|auc|\bap\b|bleu|dice|f1|iou|precision|r2|recall|reward|score/i.test(name) && !/err|loss/i.test(name) ? "maximize" : "minimize";
}

/** Of the runs that are drawn. */
function draw() {
  if (!figures || !form.elements.y.value) return;
  const { x, y, goal, logx, logy } = form.elements, values = figures.metrics[y.value];
  const drawn = figures.runs.map((_, place) => place).filter((place) => !hidden.has(figures.runs[place]));
  const valued = drawn.filter((place) => values[place] !== null);
  const colours = figures.runs.map((run) => items.get(run).dataset.colour);
  const pick = (list) => valued.map((place) => list[place]);
  draw_parallel(document.getElementById("parallel"), {
    metric: y.value, goal: goal.value || expected(y.value), total: drawn.length, valued: valued.length, numbers: valued, values: pick(values),
    titles: pick(figures.titles), addresses: pick(figures.addresses), colours: pick(colours), more_axes: Math.max(0, figures.parameters.length - 10),
    axes: figures.parameters.slice(0, 10).map((axis) => ({ ...axis, values: pick(axis.values) })),
  }, "");
  const [of, name] = [x.value.slice(0, x.value.indexOf(".")), x.value.slice(x.value.indexOf(".") + 1)];
  const axis = of === "metrics" ? { name, values: figures.metrics[name] } : figures.parameters.find((each) => each.name === name);
  if (!axis) return;
  const points = drawn.map((place) => ({ x: axis.values[place], y: values[place], title: figures.titles[place], address: figures.addresses[place], colour: colours[place] }));
  const is_listed = axis.options?.length > 0;
  logx.disabled = is_listed;
  draw_scatter(document.getElementById("scatter"), points, { name: axis.name, log: logx.checked && !is_listed, options: axis.options }, { name: y.value, log: logy.checked });
}

async function different() {
  await refresh({ address: `/ui/compare/differences?${article.dataset.query}` });
  const lines = document.querySelector("form.lines");
  lines?.addEventListener("submit", (event) => {
    event.preventDefault();
    const { left, right } = lines.elements;
    refresh({ address: `/ui/compare/code?${new URLSearchParams({ left: left.value, right: right.value })}` }).catch(() => {});
  });
}

if (article) {
  overlaid();
  if (grid) setTimeout(later, 2000); else later();
  if (article.hasAttribute("data-live")) setInterval(() => { if (!document.hidden) grid?.reload(); }, EVERY);
}
