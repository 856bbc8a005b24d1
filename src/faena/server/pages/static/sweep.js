// A sweep's page: its trials, its charts and its log as they come, by one request a second at most.

import "./actions.js";
import "./family.js";
import { draw_all } from "./metric_charts.js";
import { add, pane, to_end } from "./log.js";
import { listen, paced, refresh } from "./page.js";
import { draw_parallel } from "./parallel.js";
import { draw_curves, draw_history } from "./sweep_charts.js";

const PACE = 1000;
const run = document.getElementById("run");
const known = new Map();

async function parts() { await refresh({ address: run.dataset.parts }); }

async function data() {
  const answer = await fetch(`${run.dataset.run}/sweep/data`);
  if (!answer.ok) return;
  const found = await answer.json();
  draw_history(document.getElementById("history"), found);
  draw_parallel(document.getElementById("parallel"), found, run.dataset.run);
}

async function curves() {
  const figure = document.getElementById("curves");
  const pixels = Math.min(400, Math.max(50, Math.round(figure.clientWidth / 2)));
  const have = [...known].filter(([, curve]) => !curve.is_live).map(([number]) => number);
  const answer = await fetch(`${run.dataset.run}/sweep/curves?${new URLSearchParams({ pixels, have })}`);
  if (!answer.ok) return;
  const found = await answer.json();
  for (const curve of found.curves) known.set(curve.number, curve);
  for (const number of known.keys()) if (!found.shown.includes(number)) known.delete(number);
  draw_curves(figure, found, [...known.values()], run.dataset.run);
}

/** What is asked for again and again: the one that waits longest beyond its time goes first. */
const jobs = [
  { work: parts, every: PACE * 0.9, at: Date.now(), wanted: false },
  { work: data, every: 5 * PACE, at: 0, wanted: true },
  { work: curves, every: 5 * PACE, at: 0, wanted: true },
];
let busy = false, asked = 0;

async function next() {
  const over = (job) => Date.now() - job.at - job.every;
  const [job] = jobs.filter((each) => each.wanted && over(each) >= 0).sort((one, other) => over(other) - over(one));
  if (busy || !job || document.hidden || Date.now() - asked < PACE * 0.9) return;
  busy = true;
  job.wanted = false;
  await job.work().catch(() => { job.wanted = true; });
  job.at = asked = Date.now();
  busy = false;
}

const moved = () => { for (const job of jobs) job.wanted = true; };

to_end(pane());
draw_all();
for (const job of jobs.filter((each) => each.wanted)) { job.wanted = false; job.at = Date.now(); job.work().catch(() => { job.wanted = true; }); }

if (run.hasAttribute("data-live")) {
  const pace = setInterval(next, PACE);
  const timer = setInterval(moved, 2 * PACE); // trials log, which is not told here
  const stream = listen(
    async (missed) => {
      if (missed) moved();
      const { log, offset, chosen, attempt } = pane().dataset;
      return `${run.dataset.run}/events?${new URLSearchParams({ log, offset, chosen, attempt })}`;
    },
    {
      log: (shown) => { add(shown); moved(); },
      status: moved,
      points: paced(async () => draw_all({ again: true }), 5 * PACE), // of the sweep's own run
      other: () => stream.again(),
      ended: async () => {
        stream.end();
        clearInterval(timer);
        clearInterval(pace);
        run.removeAttribute("data-live");
        for (const work of [() => refresh({ except: ["log"] }), data, curves]) await work().catch(() => {});
        draw_all({ again: true });
      },
    },
  );
}
