// Works through documents one at a time, with keys: 1…9 the likeliest types, Enter for what LlamaCloud said, n, u.

import { ask, part } from "./api.js";
import { el, name, state } from "./dom.js";
import { decider, nameField, statements } from "./mend.js";
import { pagesPanel } from "./pages.js";

const KEYS = 9;
const SETTLING = 40; // times that a document which is put back is asked for

/** `section` shows the document; `tools` has `act`, `open`, `left` (after the last one) and `look` (another tab). */
export class Work {
  constructor(section, tools) {
    this.section = section;
    this.tools = tools;
    this.active = false;
  }

  /** Begins with the documents that this path lists. */
  async begin(path, params, overview) {
    Object.assign(this, {
      active: true, busy: false, path, params, overview, cursor: undefined, waiting: [], decided: [], skipped: [], doc: null,
    });
    this.section.hidden = false;
    await this.unlessBusy(async () => {
      this.known = (await ask("/calibration")).types;
      await this.next();
    });
  }

  end() {
    this.active = false;
    this.section.hidden = true;
    this.section.replaceChildren();
    this.tools.left();
  }

  /** Whether this key is one of ours; then what it stands for is done. */
  key(event) {
    if (event.key === "Escape") this.end();
    else if (event.target.matches("input, select, textarea")) return false;
    else if (event.key === "Enter" && event.target.matches("button")) return false; // it presses that button
    else if (event.key === "n") this.later();
    else if (event.key === "u") this.undo();
    else if (event.key === "Enter") this.agree();
    else if (/^[1-9]$/.test(event.key)) this.decideType(this.likely?.[event.key - 1]);
    else return false;
    return true;
  }

  /** The next one that can be decided: others may have decided some meanwhile. */
  async next() {
    this.doc = null;
    while (this.waiting.length || this.cursor !== null) {
      if (!this.waiting.length) await this.list();
      const id = this.waiting.shift();
      const doc = id && await ask(`/documents/${part(id)}`);
      if (doc?.actions.includes("route")) return this.show(doc);
    }
    return this.showEnd();
  }

  async list() {
    const found = await ask(this.path, { params: { ...this.params, limit: "100", cursor: this.cursor } });
    this.cursor = found.cursor ?? null;
    this.waiting = found.documents.map((one) => one.document_id);
  }

  agree() {
    const type = this.doc?.said?.type;
    if (!this.doc?.said) this.refuse("LlamaCloud said nothing of this one: choose a type, or n for later");
    else if (type) this.decideType(type);
    else if (this.overview.routes.no_match) this.decide({ to: "no_match" }, "no rule matches");
    else this.refuse("no_match has no destination: choose a type, or n for later");
  }

  decideType(type) {
    if (type) this.decide({ type }, type);
  }

  decide(word, text) {
    const { doc } = this;
    if (!doc) return;
    this.unlessBusy(async () => {
      const body = { ...word, version: doc.version, ...decider() };
      let decided;
      try {
        decided = await ask(`/documents/${part(doc.document_id)}/route`, { method: "POST", body });
      } catch (error) {
        if (error.status === 409) await this.reload(); // somebody else decided, or it is being worked on
        throw error;
      }
      const said = doc.said && (doc.said.type ?? "no rule matches");
      const { number } = decided.decisions.at(-1);
      this.decided.push({ id: doc.document_id, number, name: doc.name, text, right: said === text });
      await this.next();
    });
  }

  /** Shows this document as it is now, or the next one where it can no longer be decided. */
  reload() {
    this.waiting.unshift(this.doc.document_id);
    return this.next();
  }

  later() {
    if (!this.doc) return;
    this.skipped.push(this.doc.document_id);
    this.unlessBusy(() => this.next());
  }

  /** Takes our last decision back, unless somebody decided after it, and shows that document again. */
  undo() {
    const last = this.decided.at(-1);
    if (!last) return this.refuse("nothing was decided yet");
    return this.unlessBusy(async () => {
      const path = `/documents/${part(last.id)}`;
      const { version, decisions } = await ask(path);
      if (decisions.at(-1)?.number !== last.number) {
        this.decided.pop();
        throw new Error("somebody else decided about that document since: it stays as they left it");
      }
      await ask(`${path}/undo`, { method: "POST", body: { version, ...decider() } });
      this.decided.pop();
      if (this.doc) this.waiting.unshift(this.doc.document_id);
      this.refuse("the document is being put back …");
      this.show(await settled(path));
    });
  }

  /** One thing at a time: a key that is pressed twice decides one document. */
  async unlessBusy(work) {
    if (this.busy) return;
    this.busy = true;
    try {
      await work();
    } catch (error) {
      this.refuse(error.message);
    } finally {
      this.busy = false;
    }
  }

  refuse(text) {
    if (!this.refused?.isConnected) this.section.prepend(this.refused = el("p", { class: "refused", role: "alert" }));
    this.refused.textContent = text;
  }

  show(doc) {
    this.doc = doc;
    this.likely = this.likelyTypes(doc);
    this.section.replaceChildren(
      this.refused = el("p", { class: "refused", role: "alert" }),
      el("h2", {}, name(doc.name)),
      el("p", { class: "why" }, state(doc.state), " ", doc.reason),
      el("div", { class: "beside" }, el("div", {}, statements(doc), this.choices(doc),
        el("p", { class: "progress", role: "status" }, this.progress()), nameField()), pagesPanel(doc, this.tools)),
    );
    this.section.focus({ preventScroll: true });
  }

  choices(doc) {
    const said = doc.said && (doc.said.type ?? "no rule matches");
    const others = el("select", { "aria-label": "Another type" }, this.overview.types.map((type) => el("option", {}, type)));
    return el("div", { class: "choices", role: "group", "aria-label": "What it is" },
      said && button("Enter", `LlamaCloud was right: ${said}`, () => this.agree()),
      this.likely.map((type, place) => button(String(place + 1), type, () => this.decideType(type))),
      this.overview.types.length > KEYS && [others, button("", "Set type", () => this.decideType(others.value))],
      button("n", "Later", () => this.later()), button("u", "Undo the last decision", () => this.undo()),
      button("Esc", "Leave", () => this.end()));
  }

  showEnd() {
    this.section.replaceChildren(
      el("h2", {}, "Nothing more to decide here"),
      el("p", { class: "progress", role: "status" }, this.progress()),
      el("div", { class: "choices" },
        this.skipped.length > 0 && button("", `The ${this.skipped.length} left for later`, () => this.again()),
        button("u", "Undo the last decision", () => this.undo()),
        button("", "How often was LlamaCloud right?", () => { this.end(); this.tools.look("calibration"); }),
        button("Esc", "Leave", () => this.end())),
    );
    this.section.focus({ preventScroll: true });
  }

  again() {
    this.waiting = this.skipped;
    this.skipped = [];
    this.unlessBusy(() => this.next());
  }

  /** What was decided so far, by type. */
  progress() {
    const by = {};
    for (const { text, right } of this.decided) {
      by[text] ??= { count: 0, right: 0 };
      by[text].count += 1;
      by[text].right += right ? 1 : 0;
    }
    const counts = Object.entries(by).map(([text, { count, right }]) => `${text} ${count} (${right} as LlamaCloud said)`);
    const last = this.decided.at(-1);
    return [
      `${this.decided.length} decided${counts.length ? `: ${counts.join(", ")}` : ""}; ${this.skipped.length} left for later`,
      last && ["; last: ", name(last.name), ` is ${last.text}`],
    ];
  }

  /** What LlamaCloud said; then what such documents turned out to be; then what is frequent. */
  likelyTypes(doc) {
    const said = doc.said?.type ?? null;
    const became = this.known.find((one) => one.type === said)?.became ?? {};
    const frequent = Object.fromEntries(this.known.map((one) => [one.type, total(one.above) + total(one.below)]));
    const rank = (type) => [type === said ? 1 : 0, became[type] ?? 0, frequent[type] ?? 0];
    const compare = (a, b) => rank(a).map((value, place) => rank(b)[place] - value).find((value) => value) ?? 0;
    return [...this.overview.types].sort(compare).slice(0, KEYS);
  }
}

/** The document once it is put back, so that the next key is about it; as it is if that takes long. */
async function settled(path) {
  let doc = await ask(path);
  for (let asked = 0; !doc.actions.includes("route") && asked < SETTLING; asked += 1) {
    await new Promise((resolve) => { setTimeout(resolve, 250); });
    doc = await ask(path);
  }
  return doc;
}

const total = ({ right, wrong, uncorrected, waiting }) => right + wrong + uncorrected + waiting;

const button = (key, text, onclick) => el("button", { type: "button", onclick }, key && el("kbd", {}, key), key && " ", text);
