// The search box, the pages of a list, and both in the address, so that a link, Back and a saved search restore them.

import { el, moment } from "./dom.js";

const SAVED = "mailroom-searches";
const SAVED_LIMIT = 20;
const TYPING_MS = 300;

export class Finder {
  /** `changed(typed)` is told that another list is wanted; `view()` names the view that is looked at. */
  constructor(root, { changed, view }) {
    const part = (name) => root.querySelector(`[data-part=${name}]`);
    [this.box, this.error, this.save, this.saved] = ["box", "error", "save", "saved"].map(part);
    [this.span, this.notes, this.first, this.previous, this.next] = ["span", "notes", "first", "previous", "next"].map(part);
    this.changed = changed;
    this.view = view;
    this.begin("");
    this.box.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.typed(), TYPING_MS);
    });
    this.box.addEventListener("keydown", (event) => event.key === "Enter" && this.typed());
    this.first.addEventListener("click", () => this.turn({ cursor: "", from: 0 }, []));
    this.previous.addEventListener("click", () => this.turn(this.trail.at(-1), this.trail.slice(0, -1)));
    this.next.addEventListener("click", () => this.turn(this.following, [...this.trail, { cursor: this.cursor, from: this.from }]));
    this.save.addEventListener("click", () => this.keep());
    this.saved.addEventListener("change", () => { if (this.saved.value) location.hash = this.saved.value; });
  }

  /** The first page of this search. */
  begin(q) {
    Object.assign(this, { q, cursor: "", from: 0, trail: [], total: null, following: null });
  }

  typed() {
    clearTimeout(this.typing);
    if (this.box.value.trim() === this.q) return;
    this.begin(this.box.value.trim());
    this.changed(true);
  }

  turn(to, trail) {
    Object.assign(this, to, { trail });
    this.changed(false);
  }

  /** What the address says of it. */
  get query() {
    const given = Object.entries({ q: this.q, cursor: this.cursor, from: this.from }).filter(([, value]) => value);
    return given.length ? `?${new URLSearchParams(given)}` : "";
  }

  /** Goes to where an address is. */
  read(query) {
    const given = new URLSearchParams(query);
    const [q, cursor, from] = [given.get("q") ?? "", given.get("cursor") ?? "", Number(given.get("from")) || 0];
    if (q !== this.q) this.begin(q);
    Object.assign(this, { cursor, from });
    this.trail = this.trail.filter((page) => page.from < from);
    this.box.value = q;
  }

  /** What of the list is shown: `count` rows of this answer. */
  show(listed, count) {
    this.refuse("");
    this.total = listed.total != null ? listed.total.toLocaleString() + (listed.total_is_exact ? "" : "+") : this.from ? this.total : null;
    const rows = count ? `${(this.from + 1).toLocaleString()}–${(this.from + count).toLocaleString()}` : "";
    say(this.span, rows && this.total ? `${rows} of ${this.total}` : rows);
    const looked = listed.looked_back_to
      && [`Looked at ${listed.looked_at.toLocaleString()} documents, back to `, moment(listed.looked_back_to), ". "];
    const missing = listed.not_indexed > 0
      && `The search index is being built: ${listed.not_indexed.toLocaleString()} documents are not in it yet.`;
    this.notes.replaceChildren(...el("span", {}, looked, missing).childNodes);
    this.following = listed.cursor ? { cursor: listed.cursor, from: this.from + count } : null;
    this.first.hidden = !this.cursor;
    this.previous.hidden = !this.trail.length;
    this.next.hidden = !this.following;
    this.next.textContent = looked ? "Look further" : "Next page";
  }

  /** What is wrong with the search, beside it; "" when nothing is. */
  refuse(text) {
    say(this.error, text);
    this.error.hidden = !text;
    this.box.setAttribute("aria-invalid", String(Boolean(text)));
    this.showSaved();
  }

  keep() {
    const here = this.here;
    const others = kept().filter((each) => each !== here);
    const all = others.length < kept().length ? others : [here, ...others].slice(0, SAVED_LIMIT);
    localStorage.setItem(SAVED, JSON.stringify(all));
    this.showSaved();
  }

  get here() {
    return `${this.view()}?${new URLSearchParams({ q: this.q })}`;
  }

  showSaved() {
    const all = kept();
    const isSaved = all.includes(this.here);
    this.save.hidden = !this.q || !this.error.hidden;
    this.save.textContent = isSaved ? "Remove from saved" : "Save search";
    const shown = JSON.stringify([all, isSaved && this.here]);
    this.saved.hidden = !all.length;
    if (this.saved.dataset.shown === shown) return;
    this.saved.dataset.shown = shown;
    const named = (each) => `${each.split("?")[0]}: ${new URLSearchParams(each.split("?")[1]).get("q")}`;
    this.saved.replaceChildren(el("option", { value: "" }, "Saved searches"),
      ...all.map((each) => el("option", { value: each, selected: isSaved && each === this.here }, named(each))));
  }
}

/** Sets a text if it is another one: what is said twice is read aloud twice. */
function say(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

/** The saved searches, as addresses; none where what is kept is not ours. */
function kept() {
  try {
    const all = JSON.parse(localStorage.getItem(SAVED) ?? "[]");
    return Array.isArray(all) ? all.filter((each) => /^[a-z]+\?q=/.test(each)) : [];
  } catch {
    return [];
  }
}
