// A run's page: its log as it grows, its state when it changes, its charts.

import { draw_all } from "./charts.js";
import { listen, paced, refresh } from "./page.js";

const MOST_LINES = 5000;
const run = document.getElementById("run");
const pane = () => document.querySelector("pre.log");

function to_end(log) { log.scrollTop = log.scrollHeight; }

/** Adds lines that ended and shows the one that has not; the first ones go where there are too many. */
function add(shown) {
  const log = pane();
  const at_end = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
  const open = log.querySelector(".open");
  if (shown.text) {
    const lines = document.createElement("span");
    lines.textContent = shown.text;
    open.before(lines);
  }
  open.textContent = shown.open;
  log.parentElement.querySelector(".none")?.remove();
  let room = MOST_LINES;
  for (const block of [...log.querySelectorAll("span:not(.open)")].reverse()) {
    const lines = block.textContent.split("\n");
    const count = lines.length - 1; // what is behind the last line break is nothing
    if (room === 0) block.remove();
    else if (count > room) block.textContent = lines.slice(count - room).join("\n");
    room = Math.max(0, room - count);
  }
  if (at_end) to_end(log);
}

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
      const { log, offset, chosen } = pane().dataset;
      return `${run.dataset.run}/events?${new URLSearchParams({ log, offset, chosen })}`;
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
