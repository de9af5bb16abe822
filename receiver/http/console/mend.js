// LlamaCloud's result and the decisions of persons; and the actions that are possible, each with a preview.

import { ask, part, person } from "./api.js";
import { el, moment } from "./dom.js";

const NAME = "mailroom-name";
const WORDS = {
  deliver: "It is delivered to",
  notify: "A message goes to",
  withdraw: "The message no longer holds, and that is said to",
  supersede: "The copy stays, and no longer counts, at",
  keep: "Nothing changes at",
};

/** LlamaCloud's result, then the decisions of persons, newest last. */
export function statements(doc) {
  const because = (text) => (text ? `, because ${text}` : "");
  const { said } = doc;
  const vendor = said?.overwritten
    ? `An earlier release kept only what ${said.overwritten.by} decided; before: ${said.overwritten.before}`
    : said && `LlamaCloud said ${said.type ?? "that no rule matches"} ${said.confidence.toFixed(2)}${because(said.reasoning)}`;
  const persons = doc.decisions.map((one) => [one.who, ` ${one.text}, `, moment(one.at), because(one.why)]);
  const lines = [vendor, ...persons].filter(Boolean);
  return lines.length ? el("ul", { class: "said", "aria-label": "Who said what" }, lines.map((line) => el("li", {}, line))) : null;
}

/** The form to correct a settled document: a route, a type, or the undo of a decision. */
export function correction(doc, overview, act) {
  if (!doc.actions.includes("route")) return null;
  const form = new Form(doc, act);
  const why = el("input", { type: "text", placeholder: "why", "aria-label": "Reason for the decision", maxlength: "1000" });
  const says = (word) => ({ ...word, why: why.value });
  const propose = (path, word) => form.propose(path, says(word), effects);
  const routes = Object.entries(overview.routes).map(([route, urls]) => el("button", {
    type: "button", title: urls.join("\n") || "no destination", onclick: () => propose("route", { to: route }),
  }, route));
  const types = el("select", { "aria-label": "Correct type" }, overview.types.map((type) => el("option", {}, type)));
  const waits = doc.state === "review" || doc.state === "failed";
  return form.fieldset(waits ? "Decide where this document goes" : "Correct this document",
    el("p", {}, "It is: ", types, " ",
      el("button", { type: "button", onclick: () => propose("route", { type: types.value }) }, "Set type and route")),
    el("p", {}, "Or route it to: ", routes),
    doc.actions.includes("undo") && el("p", {},
      el("button", { type: "button", onclick: () => propose("undo", {}) }, "Undo the last decision")),
    el("p", {}, why, " ", nameField()),
  );
}

/** What helps a document that failed, or waits without a result. */
export function waysOn(doc, act) {
  const can = (name) => doc.actions.includes(name);
  if (!["retry", "resubmit", "file", "unlock", "dismiss"].some(can)) return null;
  const form = new Form(doc, act);
  const button = (text, onclick) => el("button", { type: "button", onclick }, text);
  const password = el("input", { type: "password", "aria-label": "Password", placeholder: "password", autocomplete: "off" });
  const file = el("input", { type: "file", "aria-label": "Replacement file" });
  const note = el("input", { type: "text", "aria-label": "Reason for the dismissal", placeholder: "why" });
  return form.fieldset("Ways on",
    el("p", {},
      can("retry") && button("Retry", () => form.propose("retry", {}, (found) => `${found.action}: ${found.detail}`)),
      can("resubmit") && button("Resubmit", () => form.propose("resubmit", {}, (found) => `It costs ${found.price}.`))),
    can("file") && el("p", {}, file, button("Replace the file", () => file.files[0] && form.send("file", file.files[0]))),
    can("unlock") && el("p", {}, password, button("Unlock", () => form.send("unlock", { password: password.value }))),
    can("dismiss") && el("p", {}, note, button("Dismiss", () => form.send("dismiss", { note: note.value }))),
  );
}

/** What happens at each place, a line each. */
export const effectLines = (found) => found.effects.map((one) => el("li", { class: one.effect },
  `${WORDS[one.effect]} `, el("code", {}, one.place), one.effect === "notify" ? ` (${one.meaning})` : ""));

const effects = (found) => el("ul", { "aria-label": "What this does" }, el("li", {}, found.reason), effectLines(found));

/** Who decides, for the body of a request; nothing where the sign-in says it, or no name was given. */
export function decider() {
  if (person()?.name) return {};
  const who = sessionStorage.getItem(NAME);
  return who ? { who } : {};
}

/** Where a person whose sign-in has no name gives one, which stays for this tab. */
export function nameField() {
  if (person()?.name) return null;
  const input = el("input", { type: "text", placeholder: "your name", "aria-label": "Your name", maxlength: "200" });
  input.value = sessionStorage.getItem(NAME) ?? "";
  input.addEventListener("change", () => sessionStorage.setItem(NAME, input.value.trim()));
  return input;
}

/** Proposes an action, says what it does, and does it once it is confirmed; a refusal stays beside it. */
class Form {
  constructor(doc, act) {
    this.path = `/documents/${part(doc.document_id)}`;
    this.act = act;
    this.shown = el("div", { class: "preview", role: "status" });
  }

  fieldset(title, ...content) {
    return el("fieldset", { class: "decision" }, el("legend", {}, title), content, this.shown);
  }

  async propose(path, word, describe) {
    try {
      const found = await this.ask(path, word, { preview: "true" });
      const seen = found.version === undefined ? word : { ...word, version: found.version };
      const yes = el("button", { type: "button", onclick: () => this.send(path, seen) }, "Confirm");
      const no = el("button", { type: "button", onclick: () => this.shown.replaceChildren() }, "Cancel");
      this.shown.replaceChildren(el("div", {}, describe(found)), el("p", {}, yes, no));
      yes.focus();
    } catch (error) {
      this.refused(error);
    }
  }

  async send(path, word) {
    try {
      await this.ask(path, word);
      this.shown.replaceChildren();
      this.act(Promise.resolve());
    } catch (error) {
      this.refused(error);
    }
  }

  ask(path, word, params = {}) {
    const by = decider();
    if (word instanceof File) {
      const body = new FormData();
      body.append("file", word);
      return ask(`${this.path}/${path}`, { method: "POST", body, params: { ...params, ...by } });
    }
    return ask(`${this.path}/${path}`, { method: "POST", body: { ...word, ...by }, params });
  }

  refused(error) {
    this.shown.replaceChildren(el("p", { class: "refused", role: "alert" }, error.message));
  }
}
