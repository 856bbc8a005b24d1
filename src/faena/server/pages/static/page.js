// What every page does: its parts follow what changes, its buttons ask, and it says when the server is gone.

const gone = document.getElementById("gone");
const said = document.getElementById("said");
const back = document.getElementById("back");
const parts = new Map();
for (const part of document.querySelectorAll("[data-part]")) parts.set(part.dataset.part, part.innerHTML);

/** Says that the server is gone, or, once, that it is back. */
function show(is_gone) {
  if (gone.hidden !== is_gone) return false;
  gone.hidden = !is_gone;
  back.hidden = is_gone;
  if (!is_gone) setTimeout(() => { back.hidden = true; }, 8000);
  return true;
}

// What is pressed is not replaced before it is let go: a click is made of both.
let pressed = null;
addEventListener("pointerdown", ({ target }) => { pressed = target; });
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(() => { pressed = null; }));

/**
 * Fetches the page anew, or those parts of it that an address has, and replaces those that changed. Names those that did;
 * throws when it cannot.
 */
export async function refresh({ except = [], address = location.pathname + location.search } = {}) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const changed = [];
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const name = part.dataset.part, text = part.innerHTML;
    if (except.includes(name) || parts.get(name) === text) continue;
    const shown = document.querySelector(`[data-part="${name}"]`);
    if (pressed && shown.contains(pressed)) continue;
    const opened = [...shown.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
    const focused = shown.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const scrolled = shown.querySelector(".scroll")?.scrollLeft;
    for (const late of part.querySelectorAll(".later")) late.classList.remove("later"); // nothing that is seen goes
    shown.replaceChildren(...part.childNodes);
    if (scrolled) shown.querySelector(".scroll")?.scrollTo(scrolled, 0);
    if (focused) [...shown.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
    for (const summary of shown.querySelectorAll("details > summary")) {
      if (opened.includes(summary.textContent)) summary.parentElement.open = true;
    }
    parts.set(name, text);
    changed.push(name);
  }
  return changed;
}

/** What nobody looks at waits until the page is there: browsers and servers do little at once. */
export function once_shown(work) {
  if (window.requestIdleCallback) requestIdleCallback(work, { timeout: 500 }); else setTimeout(work, 200);
}

/**
 * A stream of events, open while the page is seen: browsers allow few connections to one server. `address` is asked
 * before each opening, and told whether it is the first one.
 */
export function listen(address, handlers) {
  let source = null, opening = false, opened = false, ended = false;
  const close = () => { source?.close(); source = null; };
  const open = async () => {
    if (source || opening || ended || document.hidden) return;
    opening = true;
    try {
      source = new EventSource(await address(opened));
      opened = true;
      source.onopen = () => show(false);
      source.onerror = () => { close(); later(); };
      for (const [name, handle] of Object.entries(handlers)) {
        source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
      }
    } catch {
      later();
    }
    opening = false;
  };
  const later = () => { show(true); setTimeout(open, 2000); };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  once_shown(open);
  return { again: () => { close(); open(); }, end: () => { ended = true; close(); } };
}

/** At most one call in so many milliseconds; one that is asked for meanwhile comes after. */
export function paced(work, milliseconds) {
  let busy = false, again = false;
  return async function run() {
    if (busy) { again = true; return; }
    busy = true;
    await work().catch(() => {});
    setTimeout(() => { busy = false; if (again) { again = false; run(); } }, milliseconds);
  };
}

// One of the open pages keeps the server from leaving, whether or not anybody looks at it, and tells all of them when
// it is gone.
const others = new BroadcastChannel("faena");
others.onmessage = ({ data }) => show(!data);

function tell(is_gone) {
  if (show(is_gone)) others.postMessage(gone.hidden);
}

function stay() {
  const source = new EventSource("/ui/open");
  source.onopen = () => tell(false);
  source.onerror = () => { source.close(); tell(true); setTimeout(stay, 3000); };
}

once_shown(() => navigator.locks?.request("faena-open", () => new Promise(stay)));

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-post]");
  if (!button || (button.dataset.confirm && !confirm(button.dataset.confirm))) return;
  button.disabled = true;
  said.hidden = true;
  try {
    const answer = await fetch(button.dataset.post, { method: "POST" });
    if (answer.ok) { location.reload(); return; }
    said.textContent = (await answer.json()).message;
    said.hidden = false;
  } catch {
    show(true);
  }
  button.disabled = false;
});

document.querySelector("form.filters")?.addEventListener("change", (event) => {
  if (event.target.matches("select, [type=checkbox]") && !event.target.closest("[data-own]")) event.currentTarget.requestSubmit();
});

const followed = document.querySelector("[data-events]");
if (followed) {
  const again = paced(refresh, 1000), { events, seen } = followed.dataset;
  // The page says what it has seen; who was away a while asks for all that there is.
  listen(async (was_open) => (seen && !was_open ? `${events}?${new URLSearchParams({ seen })}` : events), { changed: again });
  const lasts = () => followed.matches("[data-live]") || followed.querySelector("[data-live]");
  setInterval(() => { if (!document.hidden && lasts()) again(); }, 5000);
}
