// Plots as SVG: lines over time that tell their values, and bars cut into parts. No library.

import { newId, node, svg } from "./nodes.js";
import { about, clock, number, text } from "./texts.js";

const HEIGHT = 158;
const EDGE = { top: 20, right: 10, bottom: 20, left: 40 };
const TABLE_ROWS = 15;

// Lines over time. `series` are [name, colour] pairs, `write` puts a value into words, `area`: the
// first is filled. It can be read with the mouse, by the arrow keys, and as a table.
export class LinePlot {
  constructor({ title, note, series, write, unit, area = true, least = 1 }) {
    this.series = series;
    this.write = write;
    this.unit = unit; // of the scale
    this.area = area;
    this.least = least; // the scale ends no lower than here
    this.times = [];
    this.values = series.map(() => []);
    this.at = null; // the place that is read, counted from the left; null: the newest
    const [titleId, noteId] = [newId("plot"), newId("plot")];
    this.legend = node("p", { class: "legend" });
    this.drawing = svg("svg", {
      class: "plot",
      role: "img",
      tabindex: "0",
      "aria-labelledby": titleId,
      "aria-describedby": noteId,
      onpointermove: (event) => this.point(event),
      onpointerleave: () => this.read(null),
      onblur: () => this.read(null),
      onkeydown: (event) => this.step(event),
    });
    this.note = note;
    this.noteId = noteId;
    this.told = node("p", { class: "unseen", "aria-live": "polite" });
    this.table = node("details", { class: "as-table", ontoggle: () => this.fillTable() },
      node("summary", {}, text("table")));
    this.element = node("figure", { class: "card wide" },
      node("figcaption", {}, node("h2", { id: titleId }, title), this.legend),
      this.drawing, this.told, this.table);
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.drawing);
  }

  update(times, values) {
    this.times = times;
    this.values = values;
    this.draw();
    if (this.table.open && !this.table.contains(document.activeElement)) this.fillTable();
  }

  draw() {
    const width = this.drawing.clientWidth;
    if (!width || !this.times.length) return;
    const scale = this.scale(width);
    this.drawing.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.drawing.replaceChildren(
      svg("desc", { id: this.noteId }, this.note),
      ...this.grid(scale),
      ...this.series.flatMap((one, index) => this.line(scale, index)),
      ...this.cursor(scale),
    );
    this.tell();
  }

  scale(width) {
    const [first, last] = [this.times[0], this.times.at(-1)];
    const span = Math.max(last - first, 120);
    const ticks = ticksUpTo(Math.max(this.least, ...this.values.flat().filter((value) => value !== null)));
    const top = ticks.at(-1);
    const [wide, high] = [width - EDGE.left - EDGE.right, HEIGHT - EDGE.top - EDGE.bottom];
    return {
      width, ticks, first: last - span, last, span,
      x: (at) => EDGE.left + ((at - last + span) / span) * wide,
      y: (value) => EDGE.top + (1 - value / top) * high,
    };
  }

  grid({ width, ticks, x, y, first, last, span }) {
    const every = span > 900 ? 300 : span > 300 ? 120 : 60;
    const moments = [];
    for (let at = Math.ceil(first / every) * every; at <= last; at += every) moments.push(at);
    return [
      ...ticks.map((tick) => svg("g", { class: "tick" },
        svg("line", { x1: EDGE.left, x2: width - EDGE.right, y1: y(tick), y2: y(tick) }),
        svg("text", { x: EDGE.left - 6, y: y(tick) + 3.5, "text-anchor": "end" }, tick < 10000 ? number(tick, 2) : about(tick)))),
      svg("text", { class: "moment", x: 0, y: 9 }, this.unit),
      ...moments.filter((at) => x(at) > EDGE.left + 14 && x(at) < width - 20).map((at) =>
        svg("text", { class: "moment", x: x(at), y: HEIGHT - 5, "text-anchor": "middle" }, clock(at))),
    ];
  }

  line(scale, index) {
    const pieces = unbroken(this.times, this.values[index]).map((piece) =>
      piece.map(([at, value]) => `${scale.x(at).toFixed(1)},${scale.y(value).toFixed(1)}`));
    const colour = this.series[index][1];
    const drawn = [];
    for (const piece of pieces) {
      if (this.area && index === 0 && piece.length > 1) {
        const [left, right] = [piece[0].split(",")[0], piece.at(-1).split(",")[0]];
        const points = `${left},${scale.y(0)} ${piece.join(" ")} ${right},${scale.y(0)}`;
        drawn.push(svg("polygon", { class: `area ${colour}`, points }));
      }
      drawn.push(piece.length > 1
        ? svg("polyline", { class: `line ${colour}`, points: piece.join(" ") })
        : svg("circle", { class: `dot ${colour}`, cx: piece[0].split(",")[0], cy: piece[0].split(",")[1], r: 2 }));
    }
    return drawn;
  }

  cursor({ x, y }) {
    if (this.at === null) return [];
    const at = this.times[this.at];
    const dots = this.values.map((values, index) => values[this.at] === null ? null
      : svg("circle", { class: `dot ${this.series[index][1]}`, cx: x(at), cy: y(values[this.at]), r: 3.5 }));
    return [svg("line", { class: "cursor", x1: x(at), x2: x(at), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }), ...dots.filter(Boolean)];
  }

  point(event) {
    const box = this.drawing.getBoundingClientRect();
    const scale = this.scale(box.width);
    const at = scale.last - scale.span
      + ((event.clientX - box.left - EDGE.left) / (box.width - EDGE.left - EDGE.right)) * scale.span;
    let nearest = 0;
    for (let index = 1; index < this.times.length; index += 1) {
      if (Math.abs(this.times[index] - at) < Math.abs(this.times[nearest] - at)) nearest = index;
    }
    this.read(nearest);
  }

  step(event) {
    const moves = { ArrowLeft: -5, ArrowRight: 5, Home: -Infinity, End: Infinity };
    if (!(event.key in moves) || !this.times.length) return;
    event.preventDefault();
    const from = this.at ?? this.times.length - 1;
    this.read(Math.min(this.times.length - 1, Math.max(0, from + moves[event.key])));
    this.told.textContent = this.legend.textContent;
  }

  read(at) {
    this.at = at;
    this.draw();
  }

  // What the lines are, with the values at the place that is read.
  tell() {
    const at = Math.min(this.at ?? this.times.length - 1, this.times.length - 1);
    this.legend.replaceChildren(
      ...(this.at === null ? [] : [node("time", {}, clock(this.times[at]))]),
      ...this.series.map(([name, colour], index) => node("span", { class: `key ${colour}` },
        `${name} `, node("b", {}, written(this.values[index][at], this.write)))),
    );
  }

  fillTable() {
    if (!this.table.open) return;
    const every = Math.max(1, Math.floor(this.times.length / TABLE_ROWS));
    const rows = [];
    for (let index = this.times.length - 1; index >= 0; index -= every) rows.push(index);
    this.table.replaceChildren(this.table.firstElementChild, node("table", {},
      node("thead", {}, node("tr", {}, [text("time"), ...this.series.map(([name]) => name)]
        .map((name) => node("th", { scope: "col" }, name)))),
      node("tbody", {}, rows.map((index) => node("tr", {},
        node("th", { scope: "row" }, clock(this.times[index])),
        this.values.map((values) => node("td", {}, written(values[index], this.write))))))));
  }
}

// One bar cut into [name, colour, value] parts; what they are stands below it, for everybody.
export function bar(parts, { whole, write, label }) {
  const all = whole ?? parts.reduce((sum, [, , value]) => sum + value, 0);
  let from = 0;
  const pieces = parts.map(([name, colour, value]) => {
    const piece = svg("rect", { class: `fill ${colour}`, x: from, y: 0, width: all ? (100 * value) / all : 0, height: 10 },
      svg("title", {}, `${name}: ${write(value)}`));
    from += all ? (100 * value) / all : 0;
    return piece;
  });
  const told = `${label}: ${parts.map(([name, , value]) => `${name} ${write(value)}`).join(", ")}`;
  return svg("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img", "aria-label": told }, pieces);
}

export function keys(parts, write) {
  return node("ul", { class: "keys" }, parts.map(([name, colour, value]) =>
    node("li", { class: `key ${colour}` }, `${name} `, node("b", {}, write(value)))));
}

// Where a value is missing the line is broken: [at, value] pairs, piece by piece.
function unbroken(times, values) {
  const pieces = [[]];
  times.forEach((at, index) => {
    if (values[index] !== null && values[index] !== undefined) pieces.at(-1).push([at, values[index]]);
    else if (pieces.at(-1).length) pieces.push([]);
  });
  return pieces.filter((piece) => piece.length);
}

// 0 and up to five even steps that people like to read: 1, 2 or 5 times a power of ten.
function ticksUpTo(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough);
  const ticks = [];
  for (let index = 0; index * step < most + step; index += 1) ticks.push(index * step);
  return ticks.at(-2) >= most ? ticks.slice(0, -1) : ticks;
}

function written(value, write) {
  return value === null || value === undefined ? "–" : write(value);
}
