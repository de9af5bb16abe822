// Elements from data. Text is only ever set as text: what comes from outside cannot become markup.

const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** The text with characters that one cannot see, or that turn others around, spelled out. */
export function visible(text) {
  return String(text ?? "").replace(HIDDEN, (c) => `\u27e8${c.codePointAt(0).toString(16).padStart(4, "0")}\u27e9`);
}

/** An element; `options` are attributes, with `on…` for listeners; children are elements, text, or nothing. */
export function el(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child != null && child !== false) made.append(child instanceof Node ? child : visible(child));
  }
  return made;
}

/** A name from outside: it cannot change the direction of what stands around it. */
export const name = (text) => el("bdi", {}, text || "(no name)");

/** A moment in local time, with the exact one to hover over. */
export function moment(text) {
  if (!text) return null;
  const at = new Date(text);
  const today = at.toDateString() === new Date().toDateString();
  return el("time", { datetime: text, title: text }, today ? at.toLocaleTimeString() : at.toLocaleString());
}

/** A table with a caption, or nothing when it has no rows. */
export function table(caption, heads, rows) {
  if (!rows.length) return null;
  const head = el("tr", {}, heads.map((text) => (text ? el("th", { scope: "col" }, text) : el("td", {}))));
  const body = rows.map((cells) => el("tr", {}, cells.map((cell) => el("td", {}, cell))));
  return el("table", {}, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, body));
}

export const state = (text) => el("span", { class: `state ${/^[a-z_]+$/.test(text) ? text : ""}` }, text);

export const percent = (number) => (number == null ? "" : `${Math.round(number * 100)}\u00a0%`);

/** A short word that is not broken. */
export const word = (text) => el("span", { class: "word" }, text);
