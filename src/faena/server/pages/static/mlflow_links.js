// Links that MLflow's clients print lead to the page of ours that shows the same: what they name stands behind the #,
// which no server is told.

const part = (text) => { try { return encodeURIComponent(decodeURIComponent(text)); } catch { return ""; } };

/** The address for what stands behind the #, null for what is no such link. `names`: of experiments, by their ids. */
function page_of(link, names) {
  const [path, query] = link.split("?");
  const [kind, name, of, which] = path.replace(/^#\//, "").split("/").map(part);
  if (kind === "models" && name) return `/ui/models/${name}`;
  if (kind !== "experiments" || !name) return null;
  if (of === "runs" && which) return `/ui/runs/${which}`;
  const trace = new URLSearchParams(query).get("selectedEvaluationId") ?? new URLSearchParams(query).get("selectedTraceId");
  if (of === "traces" && trace) return `/ui/traces/${part(trace)}`;
  const experiment = names.get(name);
  return experiment === undefined ? null : `/ui/${of === "traces" ? "traces" : "runs"}?experiment=${encodeURIComponent(experiment)}`;
}

function follow() {
  if (!location.hash.startsWith("#/")) return;
  const names = new Map([...document.querySelectorAll("option[data-id]")].map((option) => [option.dataset.id, option.value]));
  const address = page_of(location.hash, names);
  if (address) location.replace(address);
}

addEventListener("hashchange", follow);
follow();
