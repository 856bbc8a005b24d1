// A run's page: its log as it grows, its state when it changes, its charts.

import "./actions.js";
import "./family.js";
import { draw_all } from "./metric_charts.js";
import { add, pane, to_end } from "./log.js";
import { listen, paced, refresh } from "./page.js";

const run = document.getElementById("run");

const update = async (options) => {
  const changed = await refresh(options);
  if (changed.includes("log")) to_end(pane());
  draw_all({ again: true });
};

to_end(pane());
draw_all();

if (run.hasAttribute("data-live")) {
  const soon = paced(() => update({ except: ["log"] }), 500);
  const curves = paced(async () => draw_all({ again: true }), 1000);
  const stream = listen(
    async (missed) => {
      if (missed) await update();
      const { log, offset, chosen, attempt } = pane().dataset;
      return `${run.dataset.run}/events?${new URLSearchParams({ log, offset, chosen, attempt })}`;
    },
    {
      log: add,
      status: soon,
      points: curves,
      other: () => stream.again(),
      ended: () => { stream.end(); clearInterval(timer); run.removeAttribute("data-live"); soon(); },
    },
  );
  const timer = setInterval(() => { if (!document.hidden) soon(); }, 4000);
}
