// How often LlamaCloud was right, by type; and what another threshold would have done with past documents.

import { ask } from "./api.js";
import { el, name, table } from "./dom.js";

let kept = { key: "", shown: null };

/** The report as a table, the same one as long as it says the same. `open(id)` opens a document. */
export function calibrationTable(report, open) {
  const key = JSON.stringify(report);
  if (kept.key !== key) kept = { key, shown: made(report, open) };
  return kept.shown;
}

function made(report, open) {
  const result = el("div", { class: "preview", role: "status" });
  const shown = table(`What became of what LlamaCloud said of ${report.documents.toLocaleString()} documents`,
    ["LlamaCloud said", "threshold", "at or above it", "below it", "corrected to", "suggested", "because", "what if"],
    report.types.map((one) => [
      one.type ?? "no rule matches", number(one.threshold), counts(one.above), counts(one.below), became(one),
      number(one.suggested), one.because, one.threshold == null ? "" : trial(one, result, open),
    ]));
  return shown && el("div", {}, shown, result);
}

const number = (value) => (value == null ? "" : value.toFixed(2));

function counts(found) {
  const lines = [
    found.checked && `${found.right} of ${found.checked} checked right`,
    found.uncorrected && `${found.uncorrected} not corrected`,
    found.waiting && `${found.waiting} waiting`,
  ];
  return lines.filter(Boolean).map((line) => el("div", {}, line));
}

const became = (one) => Object.entries(one.became).map(([type, count]) => el("div", {}, `${type} (${count})`));

/** A number to try, and the button that does. */
function trial(one, result, open) {
  const least = el("input", { type: "number", min: "0", max: "1", step: "0.01", "aria-label": `Threshold to try for ${one.type}` });
  least.value = number(one.suggested ?? one.threshold);
  const run = async () => {
    try {
      const found = await ask("/calibration/backtest", { params: { type: one.type, min_confidence: least.value } });
      result.replaceChildren(...moves(one.type, least.value, found, open));
    } catch (error) {
      result.replaceChildren(el("p", { class: "refused", role: "alert" }, error.message));
    }
  };
  return [least, " ", el("button", { type: "button", onclick: run }, "Backtest")];
}

function moves(type, least, found, open) {
  const more = found.moved > found.documents.length ? `, the first ${found.documents.length} of them below` : "";
  return [
    el("p", {}, `With ${type} from ${least} on, ${found.moved} of ${found.tested.toLocaleString()} documents would go elsewhere${more}.`),
    table("Documents that would go elsewhere", ["document", "what changes"], found.documents.map((one) => [
      el("button", { type: "button", class: "link", onclick: () => open(one.document_id) }, name(one.name)), one.change,
    ])),
  ].filter(Boolean);
}
