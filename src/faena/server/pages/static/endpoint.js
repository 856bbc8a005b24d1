// An endpoint's page: its figures and its log as they come, its charts, and a request to try it.

import { draw_activity } from "./endpoint_charts.js";
import { listen, paced, refresh } from "./page.js";

const PACE = 2000;
const endpoint = document.getElementById("endpoint");
const { page, log } = endpoint.dataset;
const pane = () => document.querySelector("pre.log");

async function parts() {
  const before = pane();
  const at_end = before.scrollHeight - before.scrollTop - before.clientHeight < 8, top = before.scrollTop;
  const focused = document.activeElement === before;
  const selection = getSelection();
  const selected = !selection.isCollapsed && before.contains(selection.anchorNode); // what is being copied stays
  const changed = await refresh({ except: selected ? ["log"] : [], address: `${page}/parts?${new URLSearchParams({ log })}` });
  if (!changed.includes("log")) return;
  pane().scrollTop = at_end ? pane().scrollHeight : top;
  if (focused) pane().focus({ preventScroll: true });
}

async function charts() {
  const answer = await fetch(`${page}/activity`);
  if (answer.status === 404) location.assign("/ui/endpoints"); // it has been deleted
  if (answer.ok) draw_activity(await answer.json());
}

const again = paced(async () => { await Promise.all([parts(), charts()]); }, PACE * 0.9);

const form = document.querySelector(".try form");
const said = form?.querySelector("output"), shown = form?.querySelector("pre"); // who only reads has none
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  said.className = "";
  said.textContent = "Waiting for its answer …";
  tell(await tried());
  button.disabled = false;
  again();
});

async function tried() {
  try {
    const answer = await fetch(form.dataset.post, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ body: form.body.value }),
    });
    const found = await answer.json();
    return answer.ok ? found : { refusal: found.message };
  } catch {
    return { refusal: "The workspace’s server did not answer." };
  }
}

function tell(found) {
  said.className = found.refusal || found.status >= 400 ? "bad" : "good";
  said.textContent = found.refusal ?? summary(found);
  shown.hidden = found.refusal !== undefined;
  shown.textContent = found.text ?? "";
}

function summary({ status, seconds, ran_milliseconds, content_type, request_id, size, is_cut }) {
  const time = seconds >= 1 ? `${seconds.toFixed(2)} s` : `${(seconds * 1000).toFixed(1)} ms`;
  const ran = ran_milliseconds === null ? "" : `, run() ${ran_milliseconds.toFixed(1)} ms`;
  return `${status} in ${time}${ran} · ${size.toLocaleString("en")} bytes of ${content_type || "no type"}${is_cut ? ", of which the beginning" : ""} · request ${request_id}`;
}

form?.body.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

if (form) form.querySelector("button").disabled = false; // without this script a form would be sent as an address
pane().scrollTop = pane().scrollHeight;
charts();
listen(async (missed) => { if (missed) again(); return "/ui/endpoint-changes"; }, { changed: again });
setInterval(() => { if (!document.hidden) again(); }, PACE);
