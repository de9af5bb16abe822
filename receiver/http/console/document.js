// One document: what it is, where it went, why, and what a person can do about it.

import { ask, may, part } from "./api.js";
import { el, moment, name, state, table, word } from "./dom.js";
import { correction, decider, statements, waysOn } from "./mend.js";
import { pagesPanel } from "./pages.js";
import { stripPanel } from "./strip.js";

/** The document's panel. `act(promise)` is called with each action; `open(id)` opens another document. */
export function documentPanel(doc, overview, tools) {
  return [
    el("h2", {}, name(doc.name)),
    el("p", { class: "why" }, state(doc.state), " ", doc.reason),
    stripPanel(doc, overview, tools),
    el("div", { class: "beside" }, el("div", { class: "record" }, record(doc, overview, tools)), pagesPanel(doc, tools)),
  ];
}

function record(doc, overview, { act, open }) {
  return [
    statements(doc),
    correction(doc, overview, act),
    waysOn(doc, act),
    table("Waits for", ["what", "next try", "attempts", "why"], doc.waits_for.map((one) => [
      one.what, moment(one.next_at) ?? "", one.attempts ? String(one.attempts) : "", one.why ?? "",
    ])),
    facts(doc, open),
    table("Deliveries", ["to", "state", "where, or error"], doc.deliveries.map((one) => [
      one.to, state(one.superseded && one.location ? "superseded" : one.status), one.location ?? one.error ?? "",
    ])),
    verified(doc, act),
    table("Why", ["route", "matched", "because"], (doc.plan?.trace ?? []).map((row) => [
      row.route, row.matched ? "yes" : "no", row.why,
    ])),
    doc.mail ? parts(doc, open) : pieces(doc, open),
    table("Timeline", ["when", "what", "detail"], doc.history.map((one) => [
      moment(one.at), word(one.what), one.detail,
    ])),
    tasks(doc, act),
    table("Jobs", ["job", "kind", "status", "credits", "error"], doc.jobs.map((one) => [
      one.job_id, one.kind, state(one.status), one.credits == null ? "" : String(one.credits), one.error ?? "",
    ])),
    table("Events", ["event", "type", "received", "verified by"], doc.events.map((one) => [
      link(`event:${one.key}`, open, one.event_id), one.type, moment(one.received_at), one.verified_by.join(", ") + (one.late ? " (late)" : ""),
    ])),
  ];
}

/** The button that reads every copy back, and what was found the last time. */
function verified(doc, act) {
  const verify = async ({ target }) => {
    Object.assign(target, { disabled: true, textContent: "Reading the copies…" });
    await act(ask(`/documents/${part(doc.document_id)}/verify`, { method: "POST" }));
    Object.assign(target, { disabled: false, textContent: "Verify copies" });
  };
  const restore = () => act(ask(`/documents/${part(doc.document_id)}/verify`, { method: "POST", body: { restore: true, ...decider() } }));
  const last = doc.verified;
  const missing = last?.places.some((one) => one.state === "missing" && one.kind !== "received");
  return [
    el("p", {}, may("operator") && el("button", { type: "button", onclick: verify }, "Verify copies"),
      missing && may("operator") && [" ", el("button", { type: "button", onclick: restore }, "Deliver again what is missing")],
      last ? [" verified ", moment(last.at), ": ", state(last.verdict)] : " not verified yet"),
    table("Copies as read back", ["place", "what", "found", "why"], (last?.places ?? []).map((one) => [
      one.place, one.kind, el("span", { class: `state ${one.state}` }, one.state.replaceAll("_", " ")), [one.why, hashes(one), one.fix].filter(Boolean).map((line) => el("div", {}, line)),
    ])),
  ];
}

const hashes = (one) => one.state === "different" && one.found_sha256
  && `sha256 on record ${one.expected_sha256}, stored ${one.found_sha256}`;

/** What the document was found to be, in words. */
export function found(doc) {
  if (doc.packet) return "packet";
  if (doc.mail) return "mail";
  return doc.type ?? (doc.confidence == null ? "" : "no rule matches");
}

function facts(doc, open) {
  const rows = {
    "shadow table": doc.shadow?.differs,
    source: `${doc.origin.kind}: ${doc.origin.locator}${doc.origin.sender ? ` from ${doc.origin.sender}` : ""}`,
    "from e-mail": doc.came_in && link(doc.came_in, open),
    "same bytes as": doc.same_bytes_as && link(doc.same_bytes_as, open),
    received: moment(doc.taken_in_at),
    "due by": moment(doc.deadline),
    pages: doc.pages?.length ? `${doc.pages[0]}–${doc.pages.at(-1)} of ${doc.parent}` : doc.page_count,
    "files not in any piece": doc.cuts?.at(-1)?.files_left.join(", "),
    cost: (doc.credits || doc.unpriced_jobs) && `${doc.credits.toLocaleString()} credits${
      doc.unpriced_jobs ? `, and ${doc.unpriced_jobs} jobs without a price` : ""}`,
    size: `${doc.size.toLocaleString()} bytes, ${doc.media_type}`,
    id: el("code", {}, doc.document_id),
    sha256: el("code", {}, doc.sha256),
  };
  return el("dl", { class: "facts" }, Object.entries(rows).filter(([, value]) => value).map(([key, value]) => [
    el("dt", {}, key), el("dd", {}, value),
  ]));
}

const link = (id, open, text = id) =>
  el("button", { type: "button", class: "link", onclick: () => open(id) }, text);

function pieces(doc, open) {
  return table("Pieces of this packet", ["piece", "pages", "category", "state"], (doc.pieces ?? []).map((one) => [
    el("button", { type: "button", class: "link", onclick: () => open(one.document_id) }, name(one.name)),
    one.pages.join(", "), one.category, state(one.state),
  ]));
}

function parts(doc, open) {
  const states = Object.fromEntries((doc.pieces ?? []).map((one) => [one.document_id, one.state]));
  return table("Parts of this mail", ["part", "name", "became", "why", "state"], doc.parts.map((one) => [
    one.where,
    one.document_id
      ? el("button", { type: "button", class: "link", onclick: () => open(one.document_id) }, name(one.name))
      : name(one.name),
    one.fate.replace("_", " "), one.reason, one.document_id ? state(states[one.document_id] ?? "") : "",
  ]));
}

function tasks(doc, act) {
  return table("Tasks", ["task", "state", "attempts", "error", ""], doc.tasks.map((one) => [
    one.task_id, state(one.state), String(one.attempts), one.error ?? "", replay(one, act),
  ]));
}

/** The button that enqueues a parked task again. */
export function replay(task, act) {
  if (task.state !== "parked" || !may("operator")) return null;
  const again = () => act(ask(`/tasks/${part(task.task_id)}/replay`, { method: "POST" }));
  return el("button", { type: "button", onclick: again }, "Replay");
}
