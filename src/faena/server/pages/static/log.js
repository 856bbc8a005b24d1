// The log on a run's page, as it grows.

const MOST_LINES = 5000;
const MARK = 0x10F000, COLOURS = 17; // see colours.py
export const pane = () => document.querySelector("pre.log");

export function to_end(log) { log.scrollTop = log.scrollHeight; }

/** Text with marks of colours as elements with classes. */
function coloured(text) {
  const made = document.createDocumentFragment();
  let style = 0;
  for (const part of text.split(/([\u{10F000}-\u{10F0FF}])/u)) {
    const code = part.codePointAt(0);
    if (code >= MARK && code <= MARK + 0xFF) { style = code - MARK; continue; }
    if (!part) continue;
    if (!style) { made.append(part); continue; }
    const span = document.createElement("span");
    span.className = [style % COLOURS && `ansi-${style % COLOURS}`, style >= COLOURS && "ansi-b"].filter(Boolean).join(" ");
    span.textContent = part;
    made.append(span);
  }
  return made;
}

const breaks = (text) => text.split("\n").length - 1;

/** Takes so many lines away from the beginning of a block. */
function shorten(block, lines) {
  while (lines > 0 && block.firstChild) {
    const text = block.firstChild.textContent, count = breaks(text);
    if (count < lines) { block.firstChild.remove(); lines -= count; continue; }
    let at = 0;
    for (; lines > 0; lines--) at = text.indexOf("\n", at) + 1;
    block.firstChild.textContent = text.slice(at);
  }
}

/** Adds lines that ended and shows the one that has not; the first ones go where there are too many. */
export function add(shown) {
  const log = pane(), follow = document.getElementById("follow");
  const open = log.querySelector(":scope > .open");
  if (shown.text) {
    const lines = document.createElement("span");
    lines.append(coloured(shown.text));
    open.before(lines);
  }
  open.replaceChildren(coloured(shown.open));
  log.parentElement.querySelector(".none")?.remove();
  let room = MOST_LINES;
  for (const block of [...log.querySelectorAll(":scope > span:not(.open)")].reverse()) {
    const count = breaks(block.textContent);
    if (room === 0) block.remove();
    else if (count > room) shorten(block, count - room);
    if (count > room) log.parentElement.querySelector(".older")?.remove(); // what it goes on from is gone
    room = Math.max(0, room - count);
  }
  if (follow ? follow.checked : true) to_end(log);
}

// Who scrolls up does not follow; who comes back to the end does.
document.addEventListener("scroll", ({ target }) => {
  const follow = document.getElementById("follow");
  if (follow && target === pane()) follow.checked = target.scrollHeight - target.scrollTop - target.clientHeight < 8;
}, { capture: true, passive: true });

document.addEventListener("change", ({ target }) => { if (target.id === "follow" && target.checked) to_end(pane()); });

// Older lines are put before those that are there.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-older]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const answer = await fetch(link.href).catch(() => null);
  if (!answer?.ok) { location.assign(link.href); return; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const block = page.querySelector("pre.log > span"), { older } = page.querySelector("pre.log").dataset;
  const log = pane(), height = log.scrollHeight;
  log.prepend(block);
  log.scrollTop += log.scrollHeight - height;
  const follow = document.getElementById("follow");
  if (follow) follow.checked = false;
  if (older) link.href = older; else link.closest(".older").remove();
});
