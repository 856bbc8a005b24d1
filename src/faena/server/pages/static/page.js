// What every page does: refreshes its parts while things change, and says when the server is gone.

const gone = document.getElementById("gone");

/** Replaces an element's content by the same part of the page as it is now. */
export async function refresh(element) {
  const address = new URL(location.href);
  address.searchParams.set("part", element.dataset.part);
  const answer = await fetch(address);
  if (answer.status === 401) gone.hidden = false;
  if (!answer.ok) return;
  const text = await answer.text();
  if (text === element.dataset.shown) return;
  element.dataset.shown = text;
  const parsed = new DOMParser().parseFromString(text, "text/html");
  element.replaceChildren(...parsed.body.childNodes);
}

/** A stream that is open while the page is seen; browsers allow few connections to one server. */
export function listen(address, handlers) {
  let source = null;
  const open = () => {
    if (document.hidden || source) return;
    source = new EventSource(address());
    source.onopen = () => { gone.hidden = true; };
    source.onerror = () => { gone.hidden = false; };
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
  };
  const close = () => { source?.close(); source = null; };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  open();
  return close;
}

/** Calls at most once in so many milliseconds, and once more when it was asked meanwhile. */
export function paced(work, milliseconds) {
  let busy = false, again = false;
  return async function run() {
    if (busy) { again = true; return; }
    busy = true;
    await work().catch(() => {});
    setTimeout(() => { busy = false; if (again) { again = false; run(); } }, milliseconds);
  };
}

// One of the open pages keeps the server from leaving, whether or not anybody looks at it.
navigator.locks?.request("faena-open", () => new Promise(() => new EventSource("/ui/open")));

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-post]");
  if (!button) return;
  if (button.dataset.confirm && !confirm(button.dataset.confirm)) return;
  button.disabled = true;
  await fetch(button.dataset.post, { method: "POST" });
  location.reload();
});

document.querySelector("form.filters")?.addEventListener("change", (event) => {
  if (event.target.matches("select, [type=checkbox]")) event.currentTarget.requestSubmit();
});

const table = document.querySelector("[data-events]");
if (table) {
  const again = paced(() => refresh(table), 1000);
  listen(() => table.dataset.events, { changed: again });
  setInterval(() => { if (!document.hidden && table.querySelector("[data-live]")) again(); }, 5000);
}
