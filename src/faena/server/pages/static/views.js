// Saved views: what a page's address asks for, by name.

import { refused } from "./requests.js";

const nav = document.querySelector("nav.views");

async function ask(verb, path, body) {
  if (!await refused(path, { method: verb, ...(body ? { headers: { "content-type": "application/json" }, body: JSON.stringify(body) } : {}) })) location.reload();
}

nav?.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  const { save, rename, name } = button.dataset, removed = button.dataset.delete;
  if (save !== undefined) {
    const given = prompt("Save what is shown now as a view called:");
    if (given?.trim()) ask("POST", "/views", { name: given, page: nav.dataset.page, query: location.search.slice(1) });
  } else if (rename) {
    const given = prompt("The view's new name:", name);
    if (given?.trim() && given !== name) ask("PATCH", `/views/${rename}`, { name: given });
  } else if (removed && confirm(`Delete the view “${name}”? No run is touched.`)) ask("DELETE", `/views/${removed}`);
});

// The one that is shown now.
const normal = (query) => { const found = new URLSearchParams([...new URLSearchParams(query)].filter(([name, value]) => value && name !== "after" && !(name === "rows" && value === "50"))); found.sort(); return found.toString(); };
for (const link of nav?.querySelectorAll("a") ?? []) if (normal(link.dataset.query) === normal(location.search)) link.setAttribute("aria-current", "page");
