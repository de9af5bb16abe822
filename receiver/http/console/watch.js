// The charts: what became of the documents of each hour or day, how late, how sure, and what waits.

import { chart, svg } from "./chart.js";
import { el, table } from "./dom.js";

export const PERIODS = { "24h": "24 hours", "7d": "7 days", "30d": "30 days" };
const STATES = [["routed", "good"], ["review", "care"], ["failed", "bad"], ["open", "accent"]];
let kept = { key: "", shown: null };

/** The charts of this answer, the same ones as long as it says the same. `look(period)` is asked for another one. */
export function charts(found, look) {
  const key = JSON.stringify(found);
  if (kept.key !== key) kept = { key, shown: made(found, look) };
  return kept.shown;
}

function made(found, look) {
  const { buckets } = found;
  const times = buckets.map((one) => one.at);
  const label = (time, whole) => (found.period === "24h" && !whole ? time.slice(11, 16)
    : whole && found.period !== "30d" ? time.slice(5, 16).replace("T", " ") : time.slice(5, 10));
  const given = { times, label };
  const total = (name) => buckets.reduce((sum, one) => sum + one[name], 0);
  const unknown = buckets.some((one) => !one.complete);
  return el("div", { class: "watch" },
    el("div", { class: "periods", role: "group", "aria-label": "Period" }, Object.entries(PERIODS).map(([period, text]) =>
      el("button", { type: "button", "data-period": period, "aria-pressed": String(period === found.period), onclick: () => look(period) }, text))),
    unknown && el("p", { class: "refused" }, "Some documents of this period are not counted yet: the figures are too low."),
    el("div", { class: "charts" },
      chart({ ...given, title: "Documents received", shape: "bars",
        says: `${STATES.map(([name]) => `${total(name).toLocaleString()} ${name === "review" ? "in review" : name}`).join(", ")}.`,
        series: STATES.map(([name, colour]) => ({ name, colour, values: buckets.map((one) => one[name]) })) }),
      chart({ ...given, title: "Lateness", shape: "lines", show: seconds, says: latest(buckets),
        series: [["half within", "accent", "p50"], ["95 % within", "care", "p95"]].map(([name, colour, part]) => (
          { name, colour, values: buckets.map((one) => (one.late[part] === -1 ? 7200 : one.late[part])) })) }),
      chart({ ...given, title: "How results were learned", shape: "bars",
        says: `${sum(buckets, (one) => one.heard_by.event)} from a webhook, ${sum(buckets, (one) => one.heard_by.asked)} only by asking LlamaCloud.`,
        series: [["webhook", "good", "event"], ["asked", "care", "asked"]].map(([name, colour, part]) => (
          { name, colour, values: buckets.map((one) => one.heard_by[part]) })) }),
      chart({ ...given, title: "What waits", shape: "lines", says: waiting(buckets.at(-1).queue),
        series: [["open", "accent"], ["review", "care"], ["parked", "bad"], ["overdue", "ink"]].map(([name, colour]) => (
          { name: name === "parked" ? "parked tasks" : name, colour, values: buckets.map((one) => one.queue?.[name] ?? null) })) })),
    types(buckets), partners(buckets));
}

const sum = (buckets, of) => buckets.reduce((all, one) => all + of(one), 0).toLocaleString();

const seconds = (value) => (value > 3600 ? "over 1\u00a0h" : value >= 120 ? `${Math.round(value / 6) / 10}\u00a0min` : `${value}\u00a0s`);

function latest(buckets) {
  const last = buckets.filter((one) => one.late.documents).at(-1);
  if (!last) return "No document was routed without a person.";
  const [half, most] = [last.late.p50, last.late.p95].map((value) => seconds(value === -1 ? 7200 : value));
  return `From the end of the job at LlamaCloud to the last delivery; of the latest, half within ${half}, 95 % within ${most}.`;
}

function waiting(queue) {
  if (!queue) return "At the end of each hour.";
  return `Now ${queue.open.toLocaleString()} open, ${queue.review.toLocaleString()} in review, ${queue.parked} parked tasks, ${queue.overdue} overdue.`;
}

/** The types of the whole period, the most frequent first, each with its confidence in tenths. */
function types(buckets) {
  const all = new Map();
  for (const one of buckets.flatMap((bucket) => bucket.types)) {
    const known = all.get(one.type) ?? { routed: 0, review: 0, failed: 0, open: 0, confidence: Array(10).fill(0) };
    for (const [name] of STATES) known[name] += one[name];
    known.confidence = known.confidence.map((count, step) => count + one.confidence[step]);
    all.set(one.type, known);
  }
  const count = (one) => STATES.reduce((found, [name]) => found + one[name], 0);
  const rows = [...all].sort(([, a], [, b]) => count(b) - count(a));
  return table("By type", ["type", "documents", ...STATES.map(([name]) => name), "how sure LlamaCloud was, 0 to 1"], rows.map(([type, one]) => [
    type, count(one).toLocaleString(), ...STATES.map(([name]) => one[name].toLocaleString()), sure(one.confidence),
  ]));
}

/** Ten small bars, and the same in words. */
function sure(counts) {
  const most = Math.max(...counts);
  if (!most) return "";
  const words = counts.map((count, step) => count && `${count} at ${step / 10} to ${(step + 1) / 10}`).filter(Boolean).join(", ");
  const bars = counts.map((count, step) => {
    const height = count ? Math.max(2, (22 * count) / most) : 0.5;
    return svg("rect", { x: step * 10 + 1, width: 8, y: 24 - height, height });
  });
  return svg("svg", { viewBox: "0 0 100 24", class: "sure", role: "img", "aria-label": words }, ...bars);
}

function partners(buckets) {
  const all = new Map();
  for (const one of buckets.flatMap((bucket) => bucket.partners)) {
    const known = all.get(one.partner) ?? { delivered: 0, gave_up: 0 };
    all.set(one.partner, { delivered: known.delivered + one.delivered, gave_up: known.gave_up + one.gave_up });
  }
  return table("By partner", ["partner", "delivered", "gave up"], [...all].sort().map(([partner, one]) => [
    partner, one.delivered.toLocaleString(), el("span", { class: one.gave_up ? "failed" : "" }, one.gave_up.toLocaleString()),
  ]));
}
