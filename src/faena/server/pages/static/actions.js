// A link to a form opens it in a dialog; without this script it is a page. What was done is told once.

const dialog = document.createElement("dialog");
document.body.append(dialog);

document.addEventListener("click", async (event) => {
  if (event.target.closest("[data-close]") && dialog.open) { event.preventDefault(); dialog.close(); return; }
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const form = await asked(link.href).catch(() => null);
  if (!form) { location.assign(link.href); return; } // the page says what is wrong
  dialog.setAttribute("aria-labelledby", "asked");
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
});

async function asked(address) {
  const answer = await fetch(address);
  if (!answer.ok) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("form.action");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; } // a second click does nothing
  if (form.method === "post") form.dataset.sent = "yes";
});

addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });

const here = new URL(location.href);
if (here.searchParams.has("done")) {
  here.searchParams.delete("done");
  history.replaceState(null, "", here);
}
