// The charts of one run's metrics: a grid for what the script logged, another for what was measured beside it.

import { ChartGrid, Settings } from "./chart_grid.js";

const grids = new Map();

/** Makes the grids that the page has places for; `again`: draws those in view from what is known now. */
export function draw_all({ again = false } = {}) {
  for (const [section, grid] of grids) if (!section.isConnected) { grid.destroy(); grids.delete(section); }
  for (const section of document.querySelectorAll("[data-charts]")) {
    if (grids.has(section)) { if (again) grids.get(section).reload(); } else make(section);
  }
}

function make(section) {
  const { run, source, names, more } = section.dataset, form = section.querySelector("form");
  let grid = null;
  const is_main = source === "script"; // what is measured beside it has no steps, and its own choice
  if (!is_main) form.elements.axis.value = "relative";
  const settings = new Settings(form, () => grid.changed(), is_main);
  grid = new ChartGrid(section.querySelector(".grid"), JSON.parse(names), { runs: [run], source }, settings, { label: () => "", key: `charts-${source}`, more });
  grid.axis = settings.axis;
  grids.set(section, grid);
}
