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

/**
 * Shows these elements in place of what is there. What looks the same stays, with its focus, selection and place; an
 * element that replaces the one with the focus gets it, or its first part of the same kind does. `key` pairs them.
 */
export function patch(where, made, key = (node, place) => place) {
  const there = [...where.children];
  const known = new Map(there.map((node, place) => [key(node, place), node]));
  const keys = made.map(key);
  const wanted = made.map((node, place) => {
    const was = known.get(keys[place]);
    return was?.isEqualNode(node) ? was : node;
  });
  const focused = document.activeElement;
  const losing = [...known].find(([, node]) => node.contains(focused) && !wanted.includes(node));
  const stays = new Set(wanted);
  for (const node of there) if (!stays.has(node)) node.remove();
  let at = where.firstElementChild;
  for (const node of wanted) {
    if (node === at) at = at.nextElementSibling;
    else where.insertBefore(node, at);
  }
  if (!losing) return;
  const again = wanted[keys.indexOf(losing[0])];
  const part = losing[1] === focused ? again : again?.querySelector(focused.tagName.toLowerCase());
  part?.focus({ preventScroll: true });
}

/** The same for tables: the rows of another one with the same head are put in the place of what is there. */
export function patchTable(where, made) {
  const there = where.firstElementChild;
  const same = there?.matches("table") && made.matches("table") && there.tHead.isEqualNode(made.tHead) && there.caption.isEqualNode(made.caption);
  if (!same || where.children.length > 1) return where.replaceChildren(made);
  for (const row of made.tBodies[0].rows) mark(row, there);
  patch(there.tBodies[0], [...made.tBodies[0].rows], (row, place) => row.dataset.id ?? place);
}

/** Being chosen is no difference for which a row must be another one. */
function mark(row, there) {
  const was = row.dataset.id && [...there.tBodies[0].rows].find((each) => each.dataset.id === row.dataset.id);
  if (was && row.hasAttribute("aria-selected")) was.setAttribute("aria-selected", row.getAttribute("aria-selected"));
}
