// The operator's page: the totals, the list, one document. While it is visible it asks for them again when the stream of
// changes says so, or every few seconds where there is none.

import { Refused, ask, forget, may, part, person, signIn, signOut } from "./api.js";
import { documentPanel, found, replay } from "./document.js";
import { calibrationTable } from "./calibration.js";
import { el, moment, name, patch, patchTable, percent, state, table, word } from "./dom.js";
import { eventPanel, pausedNotes } from "./event.js";
import { Finder } from "./finder.js";
import { Selection } from "./selection.js";
import { incidentPanel, incidentTable, standing } from "./incident.js";
import { shownPages } from "./pages.js";
import { ChangeStream } from "./stream.js";
import { charts } from "./watch.js";
import { Work } from "./work.js";

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 4000;
const SOON_MS = 200;
const STREAMED_MS = 15000;
const PAUSES_MS = 15000;
const NARROW = matchMedia("(max-width: 60rem)");

const VIEWS = {
  all: { label: "All", path: "/documents" },
  review: { label: "Review", path: "/documents", params: { state: "review" }, count: (o) => o.balance.review },
  failed: { label: "Failed", path: "/documents", params: { state: "failed" }, count: (o) => o.balance.failed },
  open: { label: "Open", path: "/documents", params: { state: "open" }, count: (o) => o.balance.open },
  routed: { label: "Routed", path: "/documents", params: { state: "routed" }, count: (o) => o.balance.routed },
  parked: { label: "Parked tasks", path: "/tasks", params: { state: "parked" } },
  alerts: { label: "Alerts", list: standing, count: (o) => o.standing },
  events: { label: "Events", path: "/events" },
  costs: { label: "Costs", path: "/costs", whole: true },
  calibration: { label: "Calibration", path: "/calibration", whole: true },
  watch: { label: "Watch", path: "/series", whole: true, params: { period: "24h" } },
};
const room = { view: "all", chosen: null, overview: null, rows: [], shown: "", timer: 0, asked: 0, pausesAt: 0 };

const stream = new ChangeStream(() => {
  if (room.running) room.missed = true; // what is being read may be older
  else if (!document.hidden && person()) again(SOON_MS);
});

const selection = new Selection($("selection"), () => refresh());

const work = new Work($("work"), { act, open: leaveFor, left, look });

const finder = new Finder($("finder"), {
  view: () => room.view,
  changed(typed) {
    if (work.active) work.end();
    selection.drop();
    if (isList("/documents") || !typed) $("list").scrollTop = 0;
    else room.view = "all";
    if (typed) history.replaceState(null, "", `#${hash()}`); // not a step of Back for each letter
    else location.hash = hash();
    refresh();
  },
});
const isList = (path) => VIEWS[room.view].path === path;

async function refresh() {
  clearTimeout(room.timer);
  const asked = ++room.asked;
  Object.assign(room, { running: true, missed: false });
  try {
    const view = VIEWS[room.view];
    const { q, cursor } = finder;
    const params = view.whole ? view.params ?? {} : { ...view.params, q: isList("/documents") ? q : "", cursor, limit: "100" };
    const [overview, listed] = await Promise.all([
      ask("/overview"),
      (view.list ? view.list() : ask(view.path, { params })).catch((error) => error),
    ]);
    if (asked !== room.asked) return; // a newer question is on its way
    room.overview = overview;
    showBooks();
    showTabs();
    if (listed instanceof Error) throw listed; // the rest of the page works while a search is wrong
    showList(listed);
    finder.show(view.list || view.whole ? {} : listed, view.list || view.whole ? 0 : room.rows.length || listed.tasks?.length || 0);
    selection.show(overview);
    await showPaused();
    if (room.chosen) await showDetail(room.chosen, asked);
    trouble("");
    $("fresh").replaceChildren("as of ", moment(new Date().toISOString()));
  } catch (error) {
    if (asked === room.asked) failed(error);
  }
  if (asked !== room.asked) return;
  room.running = false;
  if (!person() || document.hidden) return;
  stream.start();
  again(room.missed ? SOON_MS : stream.live ? STREAMED_MS : AGAIN_MS);
}

/** Asks again after this time. */
function again(pause) {
  clearTimeout(room.timer);
  room.timer = setTimeout(refresh, pause);
}

function failed(error) {
  if (error instanceof Refused && error.status === 401) enter();
  if (error instanceof Refused && error.status === 400 && finder.query) {
    finder.refuse(error.message);
    trouble("");
    return;
  }
  trouble(error instanceof Refused ? error.message : "the server does not respond; retrying");
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

function showBooks() {
  const { balance, overdue } = room.overview;
  const sum = balance.routed + balance.review + balance.failed + balance.open + balance.forgotten;
  const entries = [["received", balance.taken_in, "="], ["routed", balance.routed, "+"], ["review", balance.review, "+"],
    ["failed", balance.failed, "+"], ["open", balance.open, balance.forgotten ? "+" : ""]];
  if (balance.forgotten) entries.push(["removed", balance.forgotten, ""]);
  const balanced = sum === balance.taken_in;
  patch($("books"), [
    ...entries.map(([label, number, sign]) => el("div", { class: label.replace(" ", "-") },
      el("dt", {}, label), el("dd", {}, number.toLocaleString(), sign && el("i", { "aria-hidden": "true" }, sign)))),
    el("div", { class: balanced ? "balanced" : "off" },
      el("dt", {}, "totals"), el("dd", {}, balanced ? "balanced" : `off by ${balance.taken_in - sum}`)),
    balance.withdrawn
      ? el("div", { class: "withdrawn" }, el("dt", {}, "withdrawn"), el("dd", {}, balance.withdrawn.toLocaleString())) : "",
    overdue.length ? el("div", { class: "off" }, el("dt", {}, "overdue"), el("dd", {}, overdue.length)) : "",
  ].filter(Boolean));
}

function showTabs() {
  patch($("views"), Object.entries(VIEWS).map(([key, view], place) => {
    const count = view.count?.(room.overview);
    return el("button", {
      type: "button", role: "tab", "aria-selected": String(key === room.view), title: place < 9 && `key ${place + 1}`,
      class: count && key !== "routed" && key !== "open" ? "wanted" : "", onclick: () => look(key),
    }, view.label, count ? el("span", { class: "count" }, count.toLocaleString()) : "");
  }));
}

function showList(listed) {
  const made = {
    parked: () => table("Parked tasks", ["task", "about", "attempts", "error", ""], listed.tasks.map((one) => [
      one.task_id, about(one.subject), String(one.attempts), one.error ?? "", replay(one, act),
    ])),
    alerts: () => chosenBy(incidentTable(listed), listed.map((one) => one.key)),
    events: () => chosenBy(table("Events, newest first", ["event", "type", "job", "received", "verified by"],
      listed.events.map((one) => [one.event_id, one.type, one.job_id, moment(one.received_at),
        one.verified_by.join(", ") + (one.late ? " (late)" : "")])), listed.events.map((one) => `event:${one.key}`)),
    costs: () => table(`Credits of the last 30 days: ${listed.credits.toLocaleString()}`,
      ["day", "type", "documents", "credits", "jobs without a price"], listed.rows.map((one) => [
        one.day, one.type, one.documents.toLocaleString(), one.credits.toLocaleString(), String(one.unpriced_jobs)])),
    calibration: () => calibrationTable(listed, choose),
    watch: () => charts(listed, period),
  }[room.view] ?? (() => documents(listed.documents));
  const shown = made() ?? el("p", { class: "empty" }, listed.looked_back_to ? "Nothing here so far." : "Nothing here.");
  $("begin").hidden = room.view !== "review" || !listed.documents?.length || !may("operator");
  if (shown === $("list").firstChild) return; // what a person is about to click stays where it is
  patchTable($("list"), shown);
  room.rows = [...$("list").querySelectorAll("tr[data-id]")];
}

function documents(listed) {
  const shown = table("Documents, newest first", ["document", "type", "sure", "state", "where or why", "received"],
    listed.map((one) => [[selection.box(one.document_id, one.name), " ", name(one.name)], word(found(one)), word(percent(one.confidence)), state(one.state),
      whereOrWhy(one), moment(one.taken_in_at)]));
  return chosenBy(shown, listed.map((one) => one.document_id));
}

/** The table, each row of which opens what has its id. */
function chosenBy(shown, ids) {
  shown?.querySelectorAll("tbody tr").forEach((row, place) => {
    const id = ids[place];
    row.dataset.id = id;
    row.tabIndex = 0;
    row.setAttribute("aria-selected", String(id === room.chosen));
    row.addEventListener("click", () => choose(id));
  });
  return shown;
}

/** Where a routed document is; of any other the reason first. */
function whereOrWhy(one) {
  const places = one.deliveries.filter((each) => each.location && !each.superseded).map((each) => each.location);
  const lines = one.state === "routed" && places.length ? places : [one.reason, ...places];
  return lines.map((text) => el("div", {}, text));
}

const isDocument = (id) => /^doc[_-]/.test(id ?? "");

const about = (id) => (isDocument(id)
  ? el("button", { type: "button", class: "link", onclick: () => choose(id) }, id) : id ?? "");

/** Where the API has what an id names, and how it is shown. */
function detailOf(id) {
  const tools = { act, open: choose };
  if (id.startsWith("event:")) return [`/events/${part(id.slice("event:".length))}`, (one) => eventPanel(one, tools)];
  if (isDocument(id)) return [`/documents/${part(id)}`, (one) => documentPanel(one, room.overview, tools)];
  return [`/alerts/${part(id)}`, (one) => incidentPanel(one, tools)];
}

async function showPaused() {
  if (Date.now() - room.pausesAt < PAUSES_MS) return;
  room.pausesAt = Date.now();
  const { paused } = await ask("/pauses");
  $("paused").replaceChildren(...pausedNotes(paused, (promise) => act(promise.then(() => { room.pausesAt = 0; }))));
  $("paused").hidden = !paused.length;
}

async function showDetail(id, asked) {
  const [path, panel] = detailOf(id);
  const found = await ask(path);
  if (asked !== room.asked || id !== room.chosen) return;
  const shown = JSON.stringify([found, room.overview.routes]);
  if (shown === room.shown) return; // nothing new: what a person is about to click stays where it is
  room.shown = shown;
  const closing = el("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => choose(null) }, "×");
  $("detail").replaceChildren(closing, ...panel(found).filter(Boolean));
  const opened = $("detail").hidden || $("detail").dataset.id !== id;
  if ($("detail").hidden) room.listAt = scrollY;
  $("detail").hidden = false;
  $("detail").dataset.id = id;
  if (opened) comeIntoView();
}

/** Where the list gives way to the detail, it is read from its top; elsewhere the keys stay with the list. */
function comeIntoView() {
  $("detail").scrollTop = 0;
  if (!NARROW.matches) return;
  scrollTo(0, 0);
  $("detail").focus();
}

async function act(promise) {
  try {
    await promise;
  } catch (error) {
    failed(error);
    return;
  }
  refresh();
}

function choose(id) {
  room.chosen = id;
  room.shown = "";
  location.hash = hash();
  if (!id) close();
  refresh();
}

function close() {
  const { id } = $("detail").dataset;
  $("detail").hidden = true;
  if (!NARROW.matches) return;
  scrollTo(0, room.listAt ?? 0);
  room.rows.find((row) => row.dataset.id === id)?.focus();
}

const hash = () => (room.chosen ? `${room.view}/${part(room.chosen)}` : room.view) + finder.query;

function look(view) {
  if (work.active) work.end();
  selection.drop();
  room.view = view;
  finder.begin(finder.q);
  choose(null);
}

function enter() {
  clearTimeout(room.timer);
  forget();
  for (const id of ["me", "list", "detail", "paused"]) $(id).replaceChildren(); // nobody else reads what was shown
  if (work.active) work.end();
  $("detail").hidden = true;
  room.shown = "";
  stream.stop();
  $("room").hidden = true;
  $("books").replaceChildren();
  $("fresh").textContent = "";
  $("entry").hidden = false;
  $("token").focus();
}

/** Shows the room to who is signed in: with a token, or by a cookie or a proxy. */
async function start(token) {
  try {
    await signIn(token);
  } catch (error) {
    enter();
    const nobodyYet = error instanceof Refused && error.status === 401 && !token;
    trouble(nobodyYet ? "" : error instanceof Refused ? error.message : "the server does not respond; try again");
    return;
  }
  trouble("");
  showPerson();
  $("entry").hidden = true;
  $("room").hidden = false;
  refresh();
}

function showPerson() {
  const { name: known, role, ends_at: ends } = person();
  const out = el("button", { type: "button", onclick: () => signOut().then(enter, failed) }, "Sign out");
  $("me").replaceChildren(known ? name(known) : "shared token", `, ${role} `, ends ? out : "");
}

/** Other hours or days in the charts; the button that was pressed keeps the focus. */
async function period(chosen) {
  VIEWS.watch.params = { period: chosen };
  await refresh();
  $("list").querySelector(`[data-period="${chosen}"]`)?.focus();
}

/** Through the documents of this list, one at a time. */
function begin() {
  if ($("begin").hidden) return;
  selection.drop();
  choose(null);
  $("room").classList.add("working");
  work.begin(VIEWS[room.view].path, { ...VIEWS[room.view].params, q: finder.q }, room.overview);
}

function left() {
  $("room").classList.remove("working");
  refresh();
}

function leaveFor(id) {
  work.end();
  choose(id);
}

function step(by) {
  const place = room.rows.indexOf(document.activeElement);
  room.rows[Math.min(Math.max(place + by, 0), room.rows.length - 1)]?.focus();
}

function keys(event) {
  if (event.metaKey || event.ctrlKey || event.altKey || $("room").hidden || $("help").open) return;
  if (work.active && work.key(event)) return event.preventDefault();
  if (event.key === "Escape") {
    if (room.chosen) choose(null);
    document.activeElement.blur();
    return;
  }
  if (event.target.matches("input, select, textarea") || (work.active && !/^[-+=?]$/.test(event.key))) return;
  const row = event.target.closest?.("tr[data-id]");
  if (event.key === "/") $("search").focus();
  else if (event.key === "j" || event.key === "ArrowDown") step(1);
  else if (event.key === "k" || event.key === "ArrowUp") step(-1);
  else if (event.key === "Enter" && row) choose(row.dataset.id);
  else if (event.key === "x" && row) row.querySelector("[data-select]")?.click();
  else if (event.key === "w") begin();
  else if (event.key === "?") $("help").showModal();
  else if (/^[-+=]$/.test(event.key) && shownPages()) shownPages().zoom(event.key === "-" ? -1 : 1);
  else if (/^[1-9]$/.test(event.key)) look(Object.keys(VIEWS)[event.key - 1]);
  else return;
  event.preventDefault();
}

function followHash() {
  const [path, query] = location.hash.slice(1).split("?");
  const [view, id] = path.split("/");
  const before = room.view + finder.query;
  finder.read(query);
  if (VIEWS[view] && view + finder.query !== before) {
    selection.drop();
    if (work.active) work.end();
  }
  if (VIEWS[view]) room.view = view;
  room.chosen = id ? decodeURIComponent(id) : null;
}

$("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = $("token").value.trim();
  $("token").value = "";
  start(given);
});
$("begin").addEventListener("click", begin);
document.addEventListener("keydown", keys);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stream.stop();
  else if (person()) refresh();
  else start(); // another tab signed in
});
window.addEventListener("hashchange", () => {
  if (location.hash.slice(1) === hash()) return; // it was we who changed it
  followHash();
  room.shown = "";
  if (!room.chosen) close();
  if (person()) refresh();
});
followHash();
start();
