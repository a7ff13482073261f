// Keeps a page as it would be if it were loaded anew: fetches it, and changes in place only what differs, so that nothing
// flickers and no selection is lost. Without this script the page is whole, and stays as it was loaded.
"use strict";

const EVERY_MS = 2000;
const LIMIT_MS = 5000;

const stale = document.getElementById("stale");
const pause = document.getElementById("pause");
let answered = Date.now();
let paused = false;
let timer = 0;
let asking = null;

// Makes `old` like `fresh`. Elements with a key stay the same element wherever they move to.
function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if ("keep" in old.dataset) return;
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const keyed = new Map();
  for (const child of old.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const key = wanted.dataset?.key;
    const found = key ? keyed.get(key) : at?.dataset?.key ? null : at;
    if (found && found.nodeName === wanted.nodeName) {
      if (found === at) at = at.nextSibling;
      else old.insertBefore(found, at);
      morph(found, wanted);
    } else {
      old.insertBefore(document.importNode(wanted, true), at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function show(fresh) {
  // A new version brings a new script and a new stylesheet.
  const [shown, told] = [document.body.dataset.version, fresh.body.dataset.version];
  if (shown && told && shown !== told) return location.reload();
  document.title = fresh.title;
  enable(fresh);
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(part.id);
    if (other) morph(part, other);
  }
}

// What works only with this script is hidden without it.
function enable(page) {
  for (const button of page.querySelectorAll("button[data-copy]")) button.hidden = false;
  for (const button of page.querySelectorAll("form[data-filter] button")) button.hidden = true;
}

function duration(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
}

function markStale(reason) {
  const text = `${reason} for ${duration(Date.now() - answered)}. What is shown is old.`;
  if (stale.textContent !== text) stale.textContent = text;
  document.body.classList.add("stale");
}

async function refresh() {
  clearTimeout(timer);
  asking?.abort();
  const mine = (asking = new AbortController());
  try {
    const signal = AbortSignal.any([mine.signal, AbortSignal.timeout(LIMIT_MS)]);
    const answer = await fetch(location.href, { cache: "no-store", signal });
    const text = await answer.text();
    if (mine !== asking) return;
    const page = new DOMParser().parseFromString(text, "text/html");
    // An error that has a page of its own says more than the old page does.
    if (!page.getElementById("main")) {
      markStale(`Only errors (status ${answer.status})`);
    } else {
      show(page);
      answered = Date.now();
      document.body.classList.remove("stale");
      stale.textContent = "";
    }
  } catch {
    if (mine !== asking) return;
    markStale("No answer");
  }
  if (!paused && !document.hidden) timer = setTimeout(refresh, EVERY_MS);
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Resume" : "Pause";
  document.body.classList.toggle("paused", paused);
  if (!paused) return refresh();
  clearTimeout(timer);
  asking?.abort();
  asking = null;
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !paused) refresh();
});

// The server filters: one way to do it, with and without this script.
let typing = 0;
function applyFilter(event) {
  const form = event.target.closest("form[data-filter]");
  if (!form) return;
  event.preventDefault();
  clearTimeout(typing);
  typing = setTimeout(() => {
    const chosen = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    history.replaceState(null, "", `${location.pathname}${chosen.size ? `?${chosen}` : ""}`);
    refresh();
  }, event.type === "input" && event.target.type === "search" ? 150 : 0);
}
document.addEventListener("input", applyFilter);
document.addEventListener("submit", applyFilter);

async function copy(text) {
  // Browsers keep the clipboard from pages that come without TLS from another machine.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = document.createElement("textarea");
  box.value = text;
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  if (!done) throw new Error("the browser refuses");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const said = await copy(button.dataset.copy).then(() => "Copied", () => "Select it");
  button.dataset.keep = "";
  button.textContent = said;
  setTimeout(() => {
    button.textContent = "Copy";
    delete button.dataset.keep;
  }, 2000);
});

pause.hidden = false;
enable(document);
timer = setTimeout(refresh, EVERY_MS);
