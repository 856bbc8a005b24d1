// The table of runs: which are selected, also over its pages; which columns it has, in which order.

import { once_shown } from "./page.js";
import "./mlflow_links.js";
import "./views.js";

const MOST = 200;
const key = `faena-selected:${document.querySelector(".brand").title}`;
const form = document.getElementById("chosen"), table = document.querySelector('[data-part="table"]');
const selected = new Set(JSON.parse(sessionStorage.getItem(key) ?? "[]"));
let latest = null; // the box that was changed last: Shift selects from it on

const boxes = () => [...table.querySelectorAll('input[name="run"]')];

function show() {
  const here = boxes();
  for (const box of here) { box.checked = selected.has(box.value); box.closest("tr").classList.toggle("is-selected", box.checked); }
  const all = document.getElementById("all"), count = here.filter((box) => box.checked).length;
  if (all) { all.checked = count > 0 && count === here.length; all.indeterminate = count > 0 && count < here.length; }
  form.hidden = !selected.size;
  form.querySelector("b").textContent = `${selected.size.toLocaleString("en")} selected`;
  sessionStorage.setItem(key, JSON.stringify([...selected]));
}

function set(values, is_in) {
  for (const value of values) { if (is_in && selected.size < MOST) selected.add(value); else if (!is_in) selected.delete(value); }
  show();
}

table.addEventListener("click", (event) => {
  const box = event.target;
  if (box.id === "all") return set(boxes().map((each) => each.value), box.checked);
  if (box.name !== "run") return undefined;
  const here = boxes(), from = here.findIndex((each) => each.value === latest), to = here.indexOf(box);
  const part = event.shiftKey && from >= 0 ? here.slice(Math.min(from, to), Math.max(from, to) + 1) : [box];
  latest = box.value;
  return set(part.map((each) => each.value), box.checked);
});

// Arrows go from box to box; with Shift what is passed is selected.
table.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step || event.target.name !== "run") return;
  event.preventDefault();
  const here = boxes(), next = here[here.indexOf(event.target) + step];
  if (!next) return;
  if (event.shiftKey) set([event.target.value, next.value], true);
  latest = next.value;
  next.focus();
});

document.getElementById("none").onclick = () => set([...selected], false);
form.addEventListener("submit", () => {
  for (const old of form.querySelectorAll('input[type="hidden"]')) old.remove();
  const here = new Set(boxes().map((box) => box.value));
  for (const value of selected) if (!here.has(value)) { const field = form.appendChild(document.createElement("input")); field.type = "hidden"; field.name = "run"; field.value = value; }
});

// Rows far down come once the others are seen; at once where the browser goes back to a place among them.
const whole = () => { for (const row of table.querySelectorAll("tr.later")) row.classList.remove("later"); };
if (performance.getEntriesByType("navigation")[0]?.type === "navigate" && !location.hash) once_shown(whole); else whole();

new MutationObserver(show).observe(table, { childList: true });
addEventListener("pageshow", show);
show();

const filters = document.querySelector("form.filters"), chooser = filters.querySelector(".chooser");

function choose(fields) {
  filters.elements.columns.value = fields.join(", ");
  sessionStorage.setItem("faena-chooser", "open");
  filters.requestSubmit();
}

if (chooser) {
  const list = chooser.querySelector("ol"), add = document.getElementById("add-column"), options = document.getElementById("run-fields");
  const fields = () => [...list.children].map((item) => item.dataset.field);
  if (sessionStorage.getItem("faena-chooser")) { sessionStorage.removeItem("faena-chooser"); chooser.open = true; add.focus(); }
  list.addEventListener("click", ({ target }) => {
    const item = target.closest("li"), all = fields(), place = [...list.children].indexOf(item);
    if (target.dataset.move) {
      const to = place + Number(target.dataset.move);
      if (to < 0 || to >= all.length) return;
      [all[place], all[to]] = [all[to], all[place]];
      choose(all);
    } else if (target.dataset.remove !== undefined && all.length > 1) choose(all.filter((_, each) => each !== place));
  });
  const added = () => { const given = add.value.trim(); if (given) choose([...fields(), given]); };
  document.getElementById("add").onclick = added;
  document.getElementById("usual")?.addEventListener("click", () => choose([]));
  add.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); added(); } });
  let timer = 0;
  const suggest = async () => {
    const answer = await fetch(`/ui/run-fields?${new URLSearchParams({ text: add.value })}`).catch(() => null);
    if (!answer?.ok) return;
    options.replaceChildren(...(await answer.json()).map((name) => new Option(name, name)));
  };
  add.addEventListener("focus", suggest, { once: true });
  add.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(suggest, 150); });
}
