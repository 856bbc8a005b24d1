// The log on a run's page, as it grows.

const MOST_LINES = 5000;
export const pane = () => document.querySelector("pre.log");

export function to_end(log) { log.scrollTop = log.scrollHeight; }

/** Adds lines that ended and shows the one that has not; the first ones go where there are too many. */
export function add(shown) {
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
