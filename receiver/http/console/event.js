// One event, and what is paused: why something is not done yet.

import { ask, may } from "./api.js";
import { el, moment, name, state, table } from "./dom.js";

/** The event's panel: what it carried, how it was proved, and the attempts to handle it. */
export function eventPanel(one, { open }) {
  const { task, job, document: about } = one;
  const rows = {
    sent: moment(one.sent_at),
    received: [moment(one.received_at), one.late && " (late)"],
    "verified by": one.verified_by.join(", "),
    job: job ? [job.job_id, " ", state(job.status)] : one.job_id,
    document: about && [el("button", { type: "button", class: "link", onclick: () => open(about.document_id) },
      name(about.name)), " ", state(about.state)],
    handled: task
      ? [state(task.state), ` after ${task.attempts} attempts. ${task.error ?? task.note ?? ""}`]
      : "its task was removed",
    size: `${one.size} bytes${one.as_string ? ", as JSON in a string" : ""}`,
  };
  return [
    el("h2", {}, one.type),
    el("dl", { class: "facts" }, Object.entries(rows).filter(([, value]) => value).map(([key, value]) => [
      el("dt", {}, key), el("dd", {}, value)])),
    el("h3", {}, "What it carried"),
    el("pre", {}, JSON.stringify(one.envelope, null, 2).split("\n").map((line) => el("div", {}, line))),
    table("Other events about this job", ["event", "type", "received"], one.others.map((each) => [
      el("button", { type: "button", class: "link", onclick: () => open(`event:${each.key}`) }, each.event_id),
      each.type, moment(each.received_at)])),
  ];
}

/** What is paused, each with the button that resumes it; nothing where nothing is. */
export function pausedNotes(paused, act) {
  return paused.map((one) => el("p", {}, el("strong", {}, one.what), " is paused",
    one.until && [" until ", moment(one.until)], one.reason ? `: ${one.reason} ` : ` by ${one.by || "a person"} `,
    may("admin") && el("button", { type: "button", onclick: () => act(resume(one.what)) }, "Resume")));
}

const resume = (what) => ask("/pauses", { method: "POST", body: { what, resume: true } });
