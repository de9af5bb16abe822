// Pictures of pages: asked for with the token when they come into view, a few at a time, kept while a document is open.

import { ask, part, picture } from "./api.js";

const AT_ONCE = 3;
const BUSY_MS = 2000;
const WIDTHS = [160, 320, 640, 960, 1280, 1600, 2000];

let open = "";
let urls = new Map();
let waiting = [];
let running = 0;

/** Lets go of the pictures of any other document. */
export function keepOnly(id) {
  if (id === open) return;
  for (const url of urls.values()) URL.revokeObjectURL(url);
  [open, urls, waiting] = [id, new Map(), []];
}

/** The width to ask for so that `pixels` of this screen are sharp. */
export const sharp = (pixels) => WIDTHS.find((width) => width >= pixels * devicePixelRatio) ?? WIDTHS.at(-1);

/** Calls `then(element)` whenever one of what it observes comes near the view. */
export function whenNear(then) {
  return new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) then(entry.target);
  }, { rootMargin: "200px" });
}

/** Has the image show a page this wide, in its turn; `fails(error)` hears why there is none. */
export function load(image, id, page, width, fails) {
  const path = `/documents/${part(id)}/pages/${page}.png?width=${width}`;
  if (image.dataset.path === path) return;
  image.dataset.path = path;
  waiting = waiting.filter((one) => one.image !== image);
  waiting.push({ image, path, id, fails, asked: [id, page, width, fails] });
  next();
}

function next() {
  while (running < AT_ONCE && waiting.length) show(waiting.shift());
}

async function show({ image, path, id, fails, asked }) {
  running += 1;
  try {
    const url = urls.get(path) ?? URL.createObjectURL(await picture(path));
    if (id === open) urls.set(path, url);
    if (image.dataset.path === path && id === open) image.src = url;
  } catch (error) {
    delete image.dataset.path; // so that it is asked for again when it is looked at again
    if (id !== open) return;
    if (error.status === 503) setTimeout(() => id === open && load(image, ...asked), BUSY_MS);
    else fails(error);
  } finally {
    running -= 1;
    next();
  }
}

/** What there is to show of a document: its pages, or its text. Throws Refused with the reason why there is nothing. */
export const pagesOf = (id) => ask(`/documents/${part(id)}/pages`);
export const textOf = (id, page) => ask(`/documents/${part(id)}/text`, { params: { page } });
