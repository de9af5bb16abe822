// Charts as SVG: stacked bars and lines over time, each with its numbers as a table. Colours come from the style sheet.

import { el, table } from "./dom.js";

const [HEIGHT, LEFT, BOTTOM, TOP] = [190, 46, 22, 10];
const SMALL = matchMedia("(max-width: 36rem)");
const SVG = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg").namespaceURI;

/** An element of a picture; `attributes` as they are. */
export function svg(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * A figure. `series` are `{ name, colour, values }` with a value, or null, for each of `times`; `shape` is "bars" or
 * "lines"; `show` makes a number a text, `says` is a sentence about all of it.
 */
export function chart({ title, says, series, times, shape, show = (value) => value.toLocaleString(), top = 0, label }) {
  const stacked = times.map((_, at) => series.reduce((sum, one) => sum + (one.values[at] ?? 0), 0));
  const highest = Math.max(shape === "bars" ? Math.max(...stacked) : Math.max(...series.flatMap((one) => one.values.map((value) => value ?? 0))), top);
  const most = niceTop(highest);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most);
  const width = SMALL.matches ? 340 : 640; // so that letters are as large as elsewhere
  const step = (width - LEFT) / times.length;
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `${title}. ${says}` },
    ...[0, most / 2, most].map((value) => axis(value, width, y, show)),
    ...labels(times, width, step, label),
    ...(shape === "bars" ? bars(series, times, step, y) : series.flatMap((one) => line(one, step, y))));
  const rows = times.map((time, at) => [label(time, true), ...series.map((one) => (one.values[at] == null ? "" : show(one.values[at])))]);
  return el("figure", { class: "chart" },
    el("figcaption", {}, el("h2", {}, title), el("p", {}, says)),
    el("ul", { class: "legend" }, series.map((one) => el("li", { class: `colour-${one.colour}` }, one.name))),
    drawn,
    el("details", {}, el("summary", {}, "As a table"),
      el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `${title}, as a table` },
        table(title, ["from (UTC)", ...series.map((one) => one.name)], rows))));
}

/** The next number that is easy to halve: 2, 4, 6, 8, 10, 20, 40, … */
function niceTop(highest) {
  const power = 10 ** Math.floor(Math.log10(Math.max(highest, 1)));
  return [1, 2, 4, 6, 8, 10].map((factor) => factor * power).find((value) => value >= highest && value > 1) ?? 2;
}

function axis(value, width, y, show) {
  return svg("g", { class: "axis" },
    svg("line", { x1: LEFT, x2: width, y1: y(value), y2: y(value) }),
    svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, show(value)));
}

function labels(times, width, step, label) {
  const every = Math.ceil((times.length * 74) / (width - LEFT));
  return times.flatMap((time, at) => (at % every ? [] : [
    svg("text", { class: "time", x: LEFT + at * step, y: HEIGHT - 6 }, label(time)),
  ]));
}

function bars(series, times, step, y) {
  return times.map((_, at) => {
    let below = 0;
    return svg("g", {}, ...series.flatMap((one) => {
      const value = one.values[at] ?? 0;
      if (!value) return [];
      const [from, to] = [y(below + value), y(below)];
      below += value;
      return [svg("rect", { class: `colour-${one.colour}`, x: LEFT + at * step + 1, width: Math.max(step - 2, 1), y: from, height: Math.max(to - from, 0.5) })];
    }));
  });
}

/** Its parts without gaps, and a dot for each value, so that one alone is seen. */
function line(one, step, y) {
  const at = (place) => [LEFT + (place + 0.5) * step, y(one.values[place])];
  const dots = [...one.values.keys()].filter((place) => one.values[place] != null);
  const runs = dots.reduce((found, place) => {
    if (found.at(-1)?.at(-1) === place - 1) found.at(-1).push(place);
    else found.push([place]);
    return found;
  }, []);
  return [
    ...runs.map((run) => svg("polyline", { class: `colour-${one.colour}`, points: run.map((place) => at(place).join(",")).join(" ") })),
    ...dots.map((place) => svg("circle", { class: `colour-${one.colour}`, cx: at(place)[0], cy: at(place)[1], r: 2 })),
  ];
}
