// A packet's pages in a strip, with its pieces marked: cut, join and name them with mouse and keys, then apply.

import { ask, may, part } from "./api.js";
import { el } from "./dom.js";
import { decider } from "./mend.js";
import { shownPages } from "./pages.js";
import { load, pagesOf, sharp, whenNear } from "./pictures.js";
import { cutAt, draftOf, piecesOf, spans, undone } from "./pieces.js";

const THUMB = 110;
const COLOURS = 6;
let kept = { key: "", doc: null, element: null };

/** The strip of a packet; of another PDF a way to it; nothing for what cannot be cut. */
export function stripPanel(doc, overview, { act }) {
  const key = [doc.document_id, doc.cuts?.length ?? 0, doc.state].join(" ");
  if (kept.key !== key) kept = { key, doc, element: cuttable(doc) ? panel(doc, overview, act) : null };
  kept.doc.version = doc.version; // what changed since is no other cut: what is marked still holds
  return kept.element;
}

const cuttable = (doc) => doc.media_type === "application/pdf" && !doc.pages?.length && doc.state !== "withdrawn" && may("operator");

function panel(doc, overview, act) {
  const made = el("details", { class: "packet", open: doc.packet },
    el("summary", {}, doc.packet ? "Pages and pieces" : "Cut into pieces"));
  made.addEventListener("toggle", () => made.open && made.children.length === 1 && fill(made, doc, overview, act));
  return made;
}

async function fill(made, doc, overview, act) {
  const says = el("p", { class: "lacks" }, "…");
  made.append(says);
  try {
    const { page_count } = await pagesOf(doc.document_id);
    says.replaceWith(...new Strip(doc, page_count, overview.types, act).elements);
  } catch (error) {
    says.textContent = error.message;
  }
}

class Strip {
  constructor(doc, count, types, act) {
    Object.assign(this, { doc, act, known: ["", ...types, "blank"], before: [], focused: 1 });
    this.draft = draftOf(doc.cuts?.at(-1)?.pieces ?? [], count, this.known);
    this.first = JSON.stringify(this.draft);
    this.locked = doc.state === "open";
    this.near = whenNear((image) => load(image, doc.document_id, image.dataset.page, sharp(THUMB), () => {}));
    this.list = el("ol", { class: "strip", "aria-label": "Pages and pieces" });
    this.list.addEventListener("keydown", (event) => this.keys(event));
    this.says = el("p", { class: "says", role: "status" });
    this.images = Array.from({ length: count }, (_, place) => this.image(place + 1));
    this.apply = el("button", { type: "button", onclick: () => this.send() }, "Cut as marked");
    this.undo = el("button", { type: "button", onclick: () => this.back() }, "Undo");
    this.elements = [this.list, this.locked
      ? el("p", { class: "says" }, "It can be cut again once it is no longer being processed.")
      : el("div", { class: "tools" }, this.apply, this.undo, this.says)];
    this.draw();
  }

  image(page) {
    const made = el("img", { alt: "", width: THUMB, height: Math.round(THUMB * 1.4), "data-page": page });
    this.near.observe(made);
    return made;
  }

  draw() {
    const pieces = piecesOf(this.draft);
    this.list.replaceChildren(...this.images.map((image, place) => this.page(place + 1, image, pieces)));
    const untyped = pieces.filter((piece) => !piece.type).reduce((sum, piece) => sum + piece.pages.length, 0);
    const changed = JSON.stringify(this.draft) !== this.first;
    this.apply.disabled = !changed && !(this.doc.packet && this.doc.state === "review"); // as it is may be right
    this.undo.disabled = !this.before.length;
    this.says.textContent = `${pieces.length} ${pieces.length === 1 ? "piece" : "pieces"}`
      + (changed && untyped ? `; pages without a type (${untyped}) are classified, which costs credits` : "");
  }

  page(page, image, pieces) {
    const number = pieces.findIndex((piece) => piece.pages.includes(page));
    const piece = pieces[number];
    const starts = page === 1 || !piece.pages.includes(page - 1);
    const label = `Page ${page}, piece ${number + 1}: ${piece.type || "no type"}`;
    const thumb = el("button", {
      type: "button", class: "thumb", "data-page": page, "aria-label": label, title: label,
      tabindex: page === this.focused ? "0" : "-1", onclick: () => this.look(page),
    }, image, el("span", { "aria-hidden": "true" }, page));
    return el("li", { class: `colour${number % COLOURS}${starts ? " starts" : ""}` },
      page > 1 && !this.locked ? this.scissors(page, starts) : "",
      starts ? this.naming(piece, number) : "", thumb);
  }

  scissors(page, starts) {
    const label = starts ? `Join pages ${page - 1} and ${page}` : `Cut before page ${page}`;
    return el("button", { type: "button", class: "scissors", tabindex: "-1", "aria-label": label, title: label,
      onclick: () => this.cut(page) }, starts ? "+" : "✂");
  }

  naming(piece, number) {
    const label = `Type of piece ${number + 1}, pages ${spans(piece.pages)}`;
    if (this.locked) return el("span", { class: "type" }, piece.said || piece.type || "no type");
    const unknown = piece.said && !this.known.includes(piece.said) ? ` (${piece.said})` : "";
    const options = this.known.map((type) => el("option", { value: type, selected: type === piece.type }, type || `classify${unknown}`));
    const select = el("select", { class: "type", "aria-label": label, title: label, "data-piece": piece.pages[0] }, options);
    select.addEventListener("change", () => {
      this.change((draft) => piece.pages.forEach((page) => { draft[page - 1].type = select.value; }));
      this.nameOf(piece.pages[0]);
    });
    return select;
  }

  look(page) {
    this.focus(page);
    shownPages()?.goTo(page);
  }

  focus(page) {
    this.focused = Math.min(Math.max(page, 1), this.draft.length);
    for (const thumb of this.list.querySelectorAll(".thumb")) {
      thumb.tabIndex = Number(thumb.dataset.page) === this.focused ? 0 : -1;
    }
    this.list.querySelector(`.thumb[data-page="${this.focused}"]`)?.focus();
  }

  cut(page) {
    this.change((draft) => cutAt(draft, page));
    this.focus(page);
  }

  change(how) {
    this.before.push(JSON.stringify(this.draft));
    how(this.draft);
    this.draw();
  }

  back() {
    undone(this.draft, this.before.pop());
    this.draw();
    this.focus(this.focused);
  }

  keys(event) {
    if (event.metaKey || event.ctrlKey || event.altKey || !event.target.closest(".thumb")) return;
    const { focused } = this;
    const steps = { ArrowLeft: focused - 1, ArrowRight: focused + 1, Home: 1, End: this.draft.length };
    if (steps[event.key]) this.focus(steps[event.key]);
    else if (event.key === "c" && !this.locked && focused > 1) this.cut(focused);
    else if (event.key === "u" && !this.locked && this.before.length) this.back();
    else if (event.key === "t" && !this.locked) this.nameOf(focused);
    else if (event.key !== "Enter") return;
    else this.look(focused);
    event.preventDefault();
    event.stopPropagation();
  }

  /** Goes to the type of the page's piece. */
  nameOf(page) {
    const piece = piecesOf(this.draft).find((one) => one.pages.includes(page));
    this.list.querySelector(`select[data-piece="${piece.pages[0]}"]`)?.focus();
  }

  send() {
    const pieces = piecesOf(this.draft).map(({ pages, type }) => ({ pages: spans(pages), ...(type && { type }) }));
    const body = { pieces, version: this.doc.version, ...decider() };
    this.apply.disabled = true;
    this.act(ask(`/documents/${part(this.doc.document_id)}/pieces`, { method: "POST", body })
      .catch((error) => { this.apply.disabled = false; throw error; }));
  }
}
