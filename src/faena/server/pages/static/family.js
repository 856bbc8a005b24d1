// A tree of runs: what is below one is fetched when it is opened.

import "./page.js";

addEventListener("toggle", async ({ target }) => {
  const address = target.dataset?.tree;
  if (!address || !target.open || target.querySelector(".tree")) return;
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok) return; // the link is there still
  const tree = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".tree");
  if (tree && !target.querySelector(".tree")) target.querySelector("p")?.replaceWith(tree);
}, { capture: true });
