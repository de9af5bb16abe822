// One decision about the selected documents: what it does to each is shown first, and what came of it afterwards.

import { ask, may, part } from "./api.js";
import { el, name } from "./dom.js";
import { decider, effectLines } from "./mend.js";

/** The selected documents; they stay selected while the list is asked for again. */
export class Selection {
  constructor(bar, done) {
    this.bar = bar;
    this.done = done;
    this.ids = new Set();
    this.result = el("div", { class: "preview", role: "status" });
  }

  /** The checkbox of a document in a list; nothing for who may only look. */
  box(id, label) {
    if (!may("operator")) return "";
    const made = el("input", { type: "checkbox", "aria-label": `Select ${label}`, "data-select": id });
    made.checked = this.ids.has(id);
    made.addEventListener("click", (event) => event.stopPropagation());
    made.addEventListener("change", () => this.set(id, made.checked));
    return made;
  }

  set(id, selected) {
    if (selected) this.ids.add(id);
    else this.ids.delete(id);
    this.result.replaceChildren();
    this.show();
  }

  selectShown() {
    document.querySelectorAll("[data-select]").forEach((box) => {
      box.checked = true;
      this.ids.add(box.dataset.select);
    });
    this.show();
  }

  /** Selects none, as when another list is looked at: nothing out of sight stays selected. */
  drop() {
    this.result.replaceChildren();
    this.clear();
  }

  clear() {
    this.ids.clear();
    document.querySelectorAll("[data-select]").forEach((box) => { box.checked = false; });
    this.show();
  }

  /** What can be done with them; nothing where none is selected, but for the results of the last decision. */
  show(overview = this.overview) {
    this.overview = overview;
    const shown = this.ids.size > 0 || this.result.hasChildNodes();
    this.bar.hidden = !shown;
    const key = JSON.stringify([this.ids.size, overview?.types, overview && Object.keys(overview.routes)]);
    if (!shown || key === this.key) return; // what a person is about to click stays where it is
    this.key = key;
    const button = (text, onclick) => el("button", { type: "button", onclick }, text);
    const choice = (label, values) => el("select", { "aria-label": label }, values.map((one) => el("option", {}, one)));
    const types = choice("Type of the selected", overview.types);
    const note = el("input", { type: "text", placeholder: "why", "aria-label": "Reason for dismissing the selected" });
    const routes = choice("Route of the selected", Object.keys(overview.routes));
    this.bar.replaceChildren(el("p", {}, el("strong", {}, `${this.ids.size} selected`),
      types, button("Set type", () => this.propose({ type: types.value })),
      routes, button("Route", () => this.propose({ to: routes.value })),
      button("Undo their last decision", () => this.propose({ undo: true })),
      button("Resubmit", () => this.proposeEach("resubmit", {}, (found) => `costs ${found.price}`)),
      note, button("Dismiss", () => this.proposeEach("dismiss", { note: note.value })),
      button("Select all shown", () => this.selectShown()), button("Clear", () => this.clear())), this.result);
  }

  async propose(word) {
    const body = { ids: [...this.ids], ...word, ...decider() };
    const found = await this.ask(body, { preview: "true" });
    if (!found) return;
    const count = found.documents.filter((one) => one.done).length;
    const yes = el("button", { type: "button", onclick: () => this.carryOut(body) }, `Confirm for ${count}`);
    const no = el("button", { type: "button", onclick: () => this.result.replaceChildren() }, "Cancel");
    this.result.replaceChildren(results(found), el("p", {}, count > 0 && yes, no));
    (count ? yes : no).focus();
  }

  async carryOut(body) {
    const found = await this.ask(body);
    if (!found) return;
    this.finish(results(found));
  }

  /** The same for what has an endpoint for one document: `describe` shows its preview, where it has one. */
  async proposeEach(path, word, describe) {
    const ids = [...this.ids];
    const shown = describe
      ? await this.each(ids, path, word, describe, { preview: "true" })
      : el("p", {}, `${path} ${ids.length} documents`);
    const yes = el("button", { type: "button", onclick: async () => {
      const done = await this.each(ids, path, word, (found) => found.reason);
      this.finish(done);
    } }, "Confirm");
    const no = el("button", { type: "button", onclick: () => this.result.replaceChildren() }, "Cancel");
    this.result.replaceChildren(shown, el("p", {}, yes, no));
    yes.focus();
  }

  /** One request after the other; the result of each document beside its id. */
  async each(ids, path, word, describe, params = {}) {
    const lines = [];
    for (const id of ids) {
      const body = { ...word, ...decider() };
      const line = await ask(`/documents/${part(id)}/${path}`, { method: "POST", body, params }).then(describe,
        (error) => el("span", { class: "refused" }, error.message));
      lines.push(el("li", {}, el("code", {}, id), ": ", line));
    }
    return el("ul", { "aria-label": "What it does to each" }, lines);
  }

  finish(shown) {
    const close = el("button", { type: "button", onclick: () => { this.result.replaceChildren(); this.show(); } }, "Close");
    this.result.replaceChildren(shown, el("p", {}, close));
    this.clear();
    this.done();
  }

  async ask(body, params = {}) {
    try {
      return await ask("/documents/correct", { method: "POST", body, params });
    } catch (error) {
      this.result.replaceChildren(el("p", { class: "refused", role: "alert" }, error.message));
      return null;
    }
  }
}

const results = (found) => el("ul", { "aria-label": "What it does to each" }, found.documents.map((one) => el("li", {},
  name(one.name ?? one.document_id), ": ", one.done ? one.change.reason : el("span", { class: "refused" }, one.why),
  one.done && el("ul", {}, effectLines(one.change)))));
