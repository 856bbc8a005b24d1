// What a page asks the server to do: an answer that refuses is said at the top.

const gone = document.getElementById("gone"), said = document.getElementById("said");

/** Whether it was refused, or nobody answered. */
export async function refused(path, options) {
  said.hidden = true;
  try {
    const answer = await fetch(path, options);
    if (answer.ok) return false;
    said.textContent = (await answer.json()).message;
    said.hidden = false;
  } catch {
    gone.hidden = false;
  }
  return true;
}
