// Keeps a view up to date, and has keys. Everything can be read without it.
"use strict";

const live = document.getElementById("live");
const start = document.body.dataset;

// ---- What changed comes as a stream, and takes the place of what was there. ----

/** An element of this HTML, with what this browser's forms have in them. */
function made(html) {
  const template = document.createElement("template");
  template.innerHTML = html.replaceAll("csrf-of-this-browser", start.csrf || "");
  return template.content;
}

/** What is open or typed in an old piece is taken over into the new one; what had the focus has it again. */
function takeOver(old, fresh) {
  for (const open of old.querySelectorAll("details[open][id]")) {
    const twin = fresh.querySelector("#" + CSS.escape(open.id));
    if (!twin) continue;
    // A form that is being filled in stays itself.
    if (open.querySelector("form")) twin.replaceWith(open);
    else twin.open = true;
  }
}

/** Puts `fresh` where `old` is, or into it, without losing the focus. */
function keepingFocus(old, change) {
  const had = document.activeElement;
  const inside = had && had !== document.body && old.contains(had);
  const way = inside && pathOf(had, old);
  const [from, to] = inside && typeof had.selectionStart === "number" ? [had.selectionStart, had.selectionEnd] : [];
  const scrolled = [...old.querySelectorAll(".scrolls")].map((box) => box.scrollLeft);
  const now = change();
  if (!now) return;
  now.querySelectorAll(".scrolls").forEach((box, at) => { box.scrollLeft = scrolled[at] || 0; });
  if (!inside) return;
  const again = had.isConnected ? had : found(way, now);
  if (!again) return;
  again.focus({ preventScroll: true });
  if (from !== undefined && again.setSelectionRange) again.setSelectionRange(from, to);
}

/** How an element is found again: by its id, its address, else its place. */
function pathOf(element, root) {
  return {
    id: element.id,
    href: element.getAttribute("href"),
    at: [...root.querySelectorAll(element.localName)].indexOf(element),
    name: element.localName,
  };
}

function found(way, root) {
  if (way.id) return document.getElementById(way.id);
  const alike = [...root.querySelectorAll(way.name)];
  return (way.href && alike.find((one) => one.getAttribute("href") === way.href)) || alike[way.at];
}

function putWhole(place, html) {
  keepingFocus(place, () => {
    const fresh = made(html);
    takeOver(place, fresh);
    place.replaceChildren(fresh);
    return place;
  });
}

function putRow(place, id, html, before, isFirstTime) {
  const row = made(html).firstElementChild;
  const old = document.getElementById(id);
  if (old && old.parentNode === place) {
    keepingFocus(old, () => {
      takeOver(old, row);
      if (old.classList.contains("chosen")) row.classList.add("chosen");
      old.replaceWith(row);
      return row;
    });
    return;
  }
  if (!isFirstTime) row.classList.add("new");
  const above = before && document.getElementById(before);
  if (above && above.parentNode === place) above.after(row);
  else place.prepend(row);
}

function put(part) {
  const place = document.getElementById(part.id);
  if (!place) return;
  if ("html" in part) return putWhole(place, part.html);
  if (part.all) {
    const wanted = new Set(part.put.map(([id]) => id));
    [...place.children].filter((row) => !wanted.has(row.id)).forEach((row) => row.remove());
  }
  for (const id of part.drop) document.getElementById(id)?.remove();
  for (const [id, html, before] of part.put) putRow(place, id, html, before, part.all);
  for (const id of part.order || (part.all && part.put.map(([id]) => id)) || []) {
    const row = document.getElementById(id);
    if (row) place.append(row);
  }
}

// ---- The stream itself: as long as somebody can see it, and is not asked to be quiet. ----

let stream = null;
let again = null;
let wait = 1000;
let version = start.version;
let paused = false;

function say(state) {
  if (!live) return;
  live.textContent = state;
  live.classList.toggle("lost", state === "not connected");
  live.setAttribute("aria-pressed", String(!paused));
}

function close() {
  clearTimeout(again);
  stream?.close();
  stream = null;
}

function open() {
  close();
  if (!start.live || paused || document.hidden) return;
  stream = new EventSource("/pxelator/live?view=" + encodeURIComponent(start.live) + "&has=" + version);
  stream.onopen = () => { wait = 1000; say("live"); };
  stream.onmessage = ({ data }) => {
    const told = JSON.parse(data);
    told.parts.forEach(put);
    version = told.version;
    times();
  };
  stream.onerror = () => {
    close();
    say("not connected");
    // With what is there by then.
    again = setTimeout(open, wait);
    wait = Math.min(2 * wait, 30000);
  };
}

if (live && start.live) {
  live.hidden = false;
  live.addEventListener("click", () => {
    paused = !paused;
    say(paused ? "paused" : "live");
    paused ? close() : open();
  });
  // A tab that nobody sees needs nothing; a browser has few connections to one host.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", ({ persisted }) => persisted && open());
  open();
}

// ---- Times go on. ----

/** As the program says it: 0.4s, 12s, 3m12, 2h05, 9d. */
function span(milliseconds) {
  const whole = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 10) return whole + "." + Math.floor((Math.max(0, milliseconds) % 1000) / 100) + "s";
  if (whole < 60) return whole + "s";
  if (whole < 3600) return Math.floor(whole / 60) + "m" + two(whole % 60);
  if (whole < 86400) return Math.floor(whole / 3600) + "h" + two(Math.floor((whole % 3600) / 60));
  return Math.floor(whole / 86400) + "d";
}

// Clocks that go wrong by more than the way here takes.
const off = start.now ? Number(start.now) - Date.now() : 0;
const skew = Math.abs(off) > 5000 ? off : 0;

function times() {
  const now = Date.now() + skew;
  for (const time of document.querySelectorAll("time[data-since], time[data-until]")) {
    const ago = now - Date.parse(time.dateTime);
    let text = span("until" in time.dataset ? -ago : ago);
    // Tenths are not counted before somebody's eyes.
    if (text.includes(".") && time.textContent && !time.textContent.includes(".")) text = text.replace(/\..*/, "s");
    if (time.textContent !== text) time.textContent = text;
  }
}

setInterval(() => paused || document.hidden || times(), 1000);

// ---- Keys. They can be switched off, for who speaks to a browser. ----

const WORDS = [
  ["/", "to the filter"],
  ["j, k", "next, previous line"],
  ["Enter", "opens the line"],
  ["p", "pauses and goes on"],
  ["g, then a letter", "to a view: "],
  ["Esc", "leaves a field"],
  ["?", "this"],
];
const STORE = "pxelator-keys";
let isOff = false;
try { isOff = localStorage.getItem(STORE) === "off"; } catch { /* a browser that keeps nothing */ }
let isGoing = false;

function ways() {
  return [...document.querySelectorAll("nav [data-key]")];
}

const chosenRow = () => document.querySelector(".chosen");

function move(by) {
  const rows = [...document.querySelectorAll("main tbody tr, main .tile")];
  const at = rows.indexOf(chosenRow());
  const row = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (!row) return;
  chosenRow()?.classList.remove("chosen");
  row.classList.add("chosen");
  row.scrollIntoView({ block: "nearest" });
  row.querySelector("a")?.focus({ preventScroll: true });
}

function help() {
  let dialog = document.getElementById("help");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.id = "help";
    dialog.setAttribute("aria-labelledby", "h-help");
    const title = Object.assign(document.createElement("h2"), { id: "h-help", textContent: "Keys" });
    const list = document.createElement("dl");
    for (const [key, words] of WORDS) {
      const term = document.createElement("dt");
      term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
      const all = key.startsWith("g") ? ways().map((way) => way.dataset.key + " " + way.textContent).join(", ") : "";
      list.append(term, Object.assign(document.createElement("dd"), { textContent: words + all }));
    }
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: !isOff });
    box.addEventListener("change", () => {
      isOff = !box.checked;
      try { localStorage.setItem(STORE, isOff ? "off" : "on"); } catch { /* as above */ }
    });
    label.append(box, " keys do this");
    const end = Object.assign(document.createElement("button"), { textContent: "Close" });
    const form = Object.assign(document.createElement("form"), { method: "dialog" });
    form.append(end);
    dialog.append(title, list, label, form);
    document.body.append(dialog);
  }
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const field = event.target.closest("input, select, textarea");
  if (field) {
    if (event.key === "Escape") field.blur();
    return;
  }
  if (isOff || document.querySelector("dialog[open]")) return;
  if (isGoing) {
    isGoing = false;
    const way = ways().find((one) => one.dataset.key === event.key);
    if (way) { event.preventDefault(); way.click(); }
    return;
  }
  const does = {
    "/": () => document.querySelector("main input[type=search], main .search select, main .search input")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    p: () => live?.hidden === false && live.click(),
    g: () => { isGoing = true; },
    "?": help,
  }[event.key];
  if (does) { event.preventDefault(); does(); }
});

const keys = document.getElementById("keys");
if (keys) {
  keys.hidden = false;
  keys.addEventListener("click", help);
}
