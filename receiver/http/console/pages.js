// A document as it is: pictures of its pages with their text, a text, or a mail; and its download.

import { ask, part } from "./api.js";
import { el, name, visible } from "./dom.js";
import { keepOnly, load, pagesOf, sharp, textOf, whenNear } from "./pictures.js";

const ZOOMS = [1, 1.5, 2, 3];
let kept = { key: "", panel: null };

/** The panel, the same one as long as the document's bytes are the same: it keeps its place, zoom and pictures. */
export function pagesPanel(doc, { act, open }) {
  const key = [doc.document_id, doc.sha256, doc.content].join(" ");
  if (kept.key !== key) {
    keepOnly(doc.document_id);
    kept = { key, panel: new Pages(doc, act, open) };
  }
  return kept.panel.element;
}

/** The pages that are shown, for keys and for the strip of a packet. */
export const shownPages = () => (kept.panel?.element.isConnected ? kept.panel : null);

class Pages {
  constructor(doc, act, open) {
    this.id = doc.document_id;
    this.zoomed = 0;
    this.withText = false;
    this.near = whenNear((figure) => this.show(figure));
    this.view = el("div", { class: "view", tabindex: "0", role: "region", "aria-label": `Content of ${visible(doc.name)}` },
      el("p", { class: "lacks" }, "…"));
    this.tools = el("div", { class: "tools" });
    this.element = el("section", { class: "pages", "aria-label": "Document" }, this.tools, this.view);
    this.tools.append(button("Download", () => act(download(this.id))));
    this.fill(doc, open).catch((error) => this.view.replaceChildren(el("p", { class: "lacks" }, error.message)));
  }

  async fill(doc, open) {
    if (doc.shown_as === "pages") return this.fillPages(doc, await pagesOf(this.id));
    const text = await textOf(this.id);
    if (doc.shown_as === "mail") this.view.replaceChildren(fields(text.fields), attachments(doc, open), plain(text));
    else this.view.replaceChildren(plain(text));
  }

  fillPages(doc, { page_count, pages }) {
    this.tools.prepend(
      button("−", () => this.zoom(-1), "Smaller"), button("+", () => this.zoom(1), "Larger"),
      this.text = el("button", { type: "button", "aria-pressed": "false", onclick: () => this.toggleText() }, "Text"),
    );
    this.figures = pages.map(({ page, width, height }) => {
      const image = el("img", { alt: `Page ${page} of ${page_count}`, width: Math.round(width) || 1, height: Math.round(height) || 1 });
      return el("figure", { "data-page": page }, image, el("figcaption", {}, `${page} of ${page_count}`));
    });
    const more = page_count > pages.length && el("p", { class: "lacks" }, `The other ${page_count - pages.length} pages: download it.`);
    this.view.replaceChildren(...this.figures, more || "");
    this.figures.forEach((figure) => this.near.observe(figure));
  }

  show(figure) {
    const image = figure.querySelector("img");
    const lacks = (error) => image.src || image.replaceWith(el("p", { class: "lacks" }, error.message));
    if (image) load(image, this.id, figure.dataset.page, sharp(1.5 * (figure.clientWidth || 320)), lacks);
    if (this.withText && !figure.querySelector("pre")) this.showText(figure);
  }

  async showText(figure) {
    const shown = el("pre", {}, "…");
    figure.append(shown);
    try {
      shown.replaceWith(plain(await textOf(this.id, figure.dataset.page)));
    } catch (error) {
      shown.textContent = error.message;
    }
  }

  toggleText() {
    this.withText = !this.withText;
    this.text.setAttribute("aria-pressed", String(this.withText));
    this.view.classList.toggle("worded", this.withText);
    this.again();
  }

  /** Larger or smaller by a step. */
  zoom(by) {
    this.zoomed = Math.min(Math.max(this.zoomed + by, 0), ZOOMS.length - 1);
    this.view.style.setProperty("--zoom", ZOOMS[this.zoomed]);
    this.again();
  }

  /** Goes to a page. */
  goTo(page) {
    this.view.querySelector(`[data-page="${page}"]`)?.scrollIntoView({ block: "start" });
  }

  again() {
    for (const figure of this.figures ?? []) {
      this.near.unobserve(figure);
      this.near.observe(figure);
    }
  }
}

const button = (text, onclick, label) => el("button", { type: "button", "aria-label": label, title: label, onclick }, text);

/** A text with its lines; what one cannot see in them is spelled out. */
function plain({ text, truncated }) {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.split("\t").map(visible).join("\t"));
  const shown = el("pre", {});
  shown.textContent = lines.join("\n") + (truncated ? "\n…" : "");
  return text.trim() ? shown : el("p", { class: "lacks" }, "No text.");
}

const fields = (found) => el("dl", { class: "facts" }, Object.entries(found).map(([key, value]) => [
  el("dt", {}, key), el("dd", {}, value),
]));

function attachments(doc, open) {
  const parts = doc.parts.filter((one) => one.document_id);
  return parts.length ? el("ul", { class: "attachments", "aria-label": "Attachments" }, parts.map((one) => el("li", {},
    el("button", { type: "button", class: "link", onclick: () => open(one.document_id) }, name(one.name)),
    ` ${one.media_type}, ${one.size.toLocaleString()} bytes`))) : "";
}

/** A browser sends no token with a download, so it gets a link that is valid for a minute. */
async function download(id) {
  const { url } = await ask(`/documents/${part(id)}/link`);
  el("a", { href: url, download: "" }).click();
}
