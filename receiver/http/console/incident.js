// Incidents: the list of those that stand, one of them, and what a person says to it.

import { ask, may, part } from "./api.js";
import { el, moment, name, state, table, word } from "./dom.js";

const RANK = { critical: 0, error: 1, warning: 2, info: 3 };
const SILENCES = { "1 hour": 3600, "4 hours": 14400, "1 day": 86400, "7 days": 604800 };

/** All incidents that stand, page after page, the worst first. */
export async function standing() {
  const found = [];
  let cursor = "";
  do {
    const page = await ask("/alerts", { params: { limit: "500", cursor } });
    found.push(...page.alerts);
    cursor = page.cursor;
  } while (cursor);
  return found.sort((a, b) => RANK[a.severity] - RANK[b.severity] || a.opened_at.localeCompare(b.opened_at));
}

/** The incidents as a table. */
export function incidentTable(incidents) {
  return table("Active incidents, most severe first", ["severity", "what", "count", "since", "last", "state"],
    incidents.map((one) => [
      state(one.severity), one.title, times(one), moment(one.opened_at), moment(one.last_at), standingAs(one),
    ]));
}

/** The incident's panel. `act(promise)` is called with each action; `open(id)` opens a document. */
export function incidentPanel(one, { act, open }) {
  return [
    el("h2", {}, one.title),
    el("p", { class: "why" }, state(one.severity), " ", standingAs(one)),
    one.status === "firing" && may("operator") && answers(one, act),
    facts(one),
    table("How to fix it", ["command"], one.commands.map((command) => [el("code", {}, command)])),
    table(one.unmended ? `${one.unmended} not fixed` : "Occurrences",
      ["document", "name", "job", "when", "message"],
      one.documents.map((each) => [
        each.document_id && el("button", { type: "button", class: "link", onclick: () => open(each.document_id) },
          each.document_id),
        name(each.name ?? each.task_id ?? ""), each.job_id ?? "", moment(each.at), each.detail,
      ])),
    table("Notices", ["channel", "what", "when", "error"], one.channels.map((each) => [
      each.channel, each.held ? "in a digest" : each.told ?? "none yet", moment(each.told_at), each.error ?? "",
    ])),
  ];
}

const times = (one) => (one.unmended ? `${one.count}, ${one.unmended} not fixed yet` : String(one.count));

function standingAs(one) {
  return [
    state(one.status),
    one.acknowledged_by && ` acknowledged by ${one.acknowledged_by}`,
    silent(one) && [" silenced until ", moment(one.silenced_until), ` by ${one.silenced_by}: ${one.silenced_why}`],
  ];
}

const silent = (one) => one.silenced_until && new Date(one.silenced_until) > new Date();

function facts(one) {
  const rows = {
    message: one.detail,
    tried: one.tried,
    fix: one.fix,
    kind: `${one.kind}, no. ${one.number} of its kind`,
    count: times(one),
    opened: moment(one.opened_at),
    last: moment(one.last_at),
    closed: moment(one.closed_at),
    key: el("code", {}, one.key),
  };
  return el("dl", { class: "facts" }, Object.entries(rows).filter(([, value]) => value).map(([key, value]) => [
    el("dt", {}, key), el("dd", {}, value),
  ]));
}

function answers(one, act) {
  const say = (what, body) => act(ask(`/alerts/${part(one.key)}/${what}`, { method: "POST", body }));
  const why = el("input", { type: "text", placeholder: "why", "aria-label": "Reason for the silence", required: true });
  const spans = el("select", { "aria-label": "Duration" }, Object.keys(SILENCES).map((span) => el("option", {}, span)));
  const form = el("form", { class: "silence" }, "Silence notices for ", spans, " ", why, " ", el("button", {}, "Silence"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say("silence", { seconds: SILENCES[spans.value], why: why.value });
  });
  return el("fieldset", { class: "decision" },
    el("legend", {}, "Actions"),
    el("p", {}, one.acknowledged_by
      ? word(`${one.acknowledged_by} acknowledged it`)
      : el("button", { type: "button", onclick: () => say("ack", {}) }, "Acknowledge")),
    silent(one)
      ? el("p", {}, el("button", { type: "button", onclick: () => say("silence", { seconds: 0 }) }, "End the silence"))
      : form,
  );
}
