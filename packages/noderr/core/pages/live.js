// Keeps a page as it would be when it were loaded anew: fetches it, and replaces only the parts that changed. Without
// this script the page is whole, and stays as it was loaded.
"use strict";

const EVERY_MS = 2000;
const LIMIT_MS = 4000;
const since = new Date();
let answered = since;

function replaceChanged(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(part.id);
    // Compared first, so that a selection or an open focus is not lost where nothing changed.
    if (other && other.innerHTML !== part.dataset.shown) {
      part.innerHTML = other.innerHTML;
      part.dataset.shown = other.innerHTML;
    }
  }
  filterRows();
}

async function refresh() {
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(LIMIT_MS) });
    if (!answer.ok) throw new Error(answer.statusText);
    replaceChanged(new DOMParser().parseFromString(await answer.text(), "text/html"));
    answered = new Date();
    document.body.classList.remove("stale");
  } catch (error) {
    document.getElementById("stale-since").textContent = answered.toLocaleTimeString();
    document.body.classList.add("stale");
  }
  setTimeout(refresh, EVERY_MS);
}

// Rows with data-text are shown when they hold every word of the filter.
function filterRows() {
  const box = document.getElementById("filter-text");
  if (!box) return;
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of document.querySelectorAll("tr[data-text]")) {
    row.hidden = !words.every((word) => row.dataset.text.includes(word));
  }
}

document.addEventListener("input", (event) => {
  if (event.target.id === "filter-text") filterRows();
});
document.addEventListener("change", (event) => {
  if (event.target.tagName === "SELECT" && event.target.form) event.target.form.submit();
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "copied";
});

for (const part of document.querySelectorAll("[data-live]")) part.dataset.shown = part.innerHTML;
filterRows();
document.documentElement.dataset.live = "yes";
setTimeout(refresh, EVERY_MS);
