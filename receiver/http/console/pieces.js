// A cut that is not sent yet: each page with the number of its piece and its type. No page can be lost, or be in two.

/** The draft of these pieces. Pages that are in none are pieces of their own, one for each run of them. */
export function draftOf(pieces, count, known) {
  const draft = Array.from({ length: count }, () => null);
  pieces.forEach(({ pages, category }, piece) => pages.forEach((page) => {
    if (page <= count) draft[page - 1] = { piece, type: known.includes(category) ? category : "", said: category };
  }));
  let loose = pieces.length;
  draft.forEach((one, place) => {
    if (one) return;
    if (place && draft[place - 1].piece < pieces.length) loose += 1;
    draft[place] = { piece: loose, type: "", said: "" };
  });
  return draft;
}

/** The pieces of a draft, in the order of their first pages. */
export function piecesOf(draft) {
  const found = new Map();
  draft.forEach(({ piece, type, said }, place) => {
    if (!found.has(piece)) found.set(piece, { pages: [], type, said });
    found.get(piece).pages.push(place + 1);
  });
  return [...found.values()];
}

/** Cuts before a page; where there is a cut already, the two pieces become one, with the type of the first. */
export function cutAt(draft, page) {
  const [before, here] = [draft[page - 2], draft[page - 1]];
  const { piece } = here;
  if (before.piece === piece) {
    const fresh = Math.max(...draft.map((one) => one.piece)) + 1;
    draft.slice(page - 1).filter((one) => one.piece === piece).forEach((one) => { one.piece = fresh; });
    return;
  }
  const { piece: into, type, said } = before;
  draft.filter((one) => one.piece === piece).forEach((one) => Object.assign(one, { piece: into, type, said }));
}

/** Puts back a draft as it was. */
export const undone = (draft, before) => draft.splice(0, draft.length, ...JSON.parse(before));

/** Pages as the API reads them: 1-4,7 */
export function spans(pages) {
  const runs = [];
  for (const page of pages) {
    if (runs.length && runs.at(-1)[1] === page - 1) runs.at(-1)[1] = page;
    else runs.push([page, page]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}
