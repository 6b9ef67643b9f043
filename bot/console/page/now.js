// How it goes at this moment, and half an hour back: figures, plots, bars, and the switches.

import { Control } from "./control.js";
import { card, node } from "./nodes.js";
import { bar, keys, LinePlot } from "./plots.js";
import { about, clock, doorName, duration, megabytes, number, share, text } from "./texts.js";
import { troubleList } from "./records.js";

const STEPS = [["vision", "c2"], ["prefill", "c3"], ["decode", "c1"], ["sample", "c4"], ["schedule", "c5"]];
const STEPS_OVER = 150; // samples: five minutes
const ENDS = { answered: "c1", refused: "c3", ended: "c5", failed: "c2" };

export class NowView {
  constructor(host, show) {
    this.figures = node("dl", { class: "figures" });
    this.plots = {
      line: new LinePlot({
        title: text("line"), note: text("lineDesc"), write: (value) => number(value, 1), least: 3, unit: text("unitQuestions"),
        series: [[text("answering"), "c1"], [text("waiting"), "c3"]],
      }),
      speed: new LinePlot({
        title: text("speed"), note: text("speedDesc"), least: 9, series: [[text("tokensPerS"), "c1"]],
        write: (value) => number(value, value < 10 ? 1 : 0), unit: text("tokensPerS"),
      }),
      text: new LinePlot({
        title: text("firstText"), note: text("firstTextDesc"), least: 0.9, area: false,
        series: [[text("half"), "c1"], [text("most"), "c3"], [text("firstToken"), "c4"]],
        write: seconds, unit: text("unitSeconds"),
      }),
      memory: new LinePlot({
        title: text("memory"), note: text("memoryDesc"), least: 300, series: [[text("program"), "c4"]],
        write: (value) => megabytes(value * 2 ** 20), unit: "MB",
      }),
      busy: new LinePlot({
        title: text("cardUse"), note: text("cardUseDesc"), least: 90, series: [[text("busy"), "c1"]],
        write: (value) => share(value / 100), unit: "%",
      }),
      used: new LinePlot({
        title: text("cardMemoryUse"), note: text("cardMemoryUseDesc"), least: 3, series: [[text("used"), "c4"]],
        write: (value) => megabytes(value * 2 ** 30), unit: "GB",
      }),
    };
    this.cards = node("div", {});
    this.cardsCard = card(text("cards"), this.cards, { kind: "whole" });
    this.parts = Object.fromEntries(["doors", "questions", "desk", "steps", "pages", "engineState", "platforms"]
      .map((name) => [name, node("div", {})]));
    this.control = new Control();
    this.troubles = node("div", {});
    const more = node("button", { type: "button", class: "link", onclick: () => show("records") }, text("all"));
    host.replaceChildren(
      this.figures,
      node("div", { class: "cards" },
        this.plots.line.element,
        this.plots.speed.element,
        this.plots.text.element,
        this.plots.memory.element,
        this.plots.busy.element,
        this.plots.used.element,
        ...Object.entries(this.parts).map(([name, part]) => card(text(name), part)),
        this.control.element,
        this.cardsCard,
        card(text("recentTroubles"), this.troubles, { kind: "whole", more })),
    );
    this.showCards(false); // until the program says that there are some
  }

  showCards(areThere) {
    const parts = [this.plots.busy.element, this.plots.used.element, this.cardsCard];
    for (const part of parts) part.hidden = !areThere;
  }

  update(state, samples) {
    const column = (name) => {
      const index = samples.columns.indexOf(name);
      return samples.rows.map((row) => row[index]);
    };
    const times = column("at");
    this.plots.line.update(times, [column("answering"), column("waiting")]);
    this.plots.speed.update(times, [column("tokens_per_s")]);
    this.plots.text.update(times, [column("text_p50"), column("text_p95"), column("token_p50")]);
    this.plots.memory.update(times, [column("memory_mb")]);
    this.showCards(state.cards.length > 0);
    this.plots.busy.update(times, [column("card_busy").map((value) => value === null ? null : 100 * value)]);
    this.plots.used.update(times, [column("card_used_mb").map((value) => value === null ? null : value / 1024)]);
    this.figures.replaceChildren(...figures(state));
    this.parts.doors.replaceChildren(doors(state.line));
    this.cards.replaceChildren(...state.cards.map(graphicsCard));
    this.parts.steps.replaceChildren(...steps(samples.columns, samples.rows));
    this.parts.pages.replaceChildren(...pages(state.engine));
    this.parts.engineState.replaceChildren(engine(state));
    this.parts.questions.replaceChildren(...questions(state.questions));
    this.parts.platforms.replaceChildren(platforms(state.platforms));
    this.parts.desk.replaceChildren(...desk(state));
    this.troubles.replaceChildren(troubleList(state.troubles.slice(0, 4)));
    this.control.update(state.desk.pause);
  }
}

function figure(name, value, note, mood = "") {
  return node("div", { class: `figure ${mood}` }, node("dt", {}, name),
    node("dd", {}, node("b", {}, value), node("small", {}, note)));
}

function figures({ line, engine: model, first_text: read, first_token: token, desk: kept }) {
  const words = read.count ? read : token; // what programs ask for nobody reads here
  const waiting = line.doors.reduce((sum, door) => sum + door.waiting, 0);
  const wait = line.wait_s === null ? text("figLineUnknown") : text("figLineNote", { time: duration(line.wait_s) });
  return [
    figure(text("figLine"), number(waiting), waiting ? wait : text("figLineEmpty"), waiting >= line.most ? "bad" : ""),
    figure(text("figAnswering"), number(line.answering), text("figAnsweringNote", { n: line.at_once })),
    figure(text("figSpeed"), number(model.tokens_per_s, model.tokens_per_s < 10 ? 1 : 0),
      text("figSpeedNote", { n: about(model.completion_tokens) })),
    figure(text("figText"), words.count ? seconds(words.p50) : "–",
      words.count ? text("figTextNote", { time: seconds(words.p95) }) : text("figTextNone")),
    figure(text("figToday"), number(kept.today.questions), text("figTodayNote", { n: about(kept.today.tokens) })),
    figure(text("figPeople"), number(kept.people.active_today), text("figPeopleNote", { n: number(kept.people.people) })),
  ];
}

// Who waits at each door, against what the line takes in all, and how long the first one does.
function doors({ doors: all, most }) {
  return node("ul", { class: "doors" }, all.map((door) => node("li", {},
    node("span", {}, doorName(door.door)),
    bar([[text("waiting"), "c3", door.waiting]], { whole: most, write: number, label: doorName(door.door) }),
    node("b", {}, number(door.waiting)),
    node("small", {}, door.longest_s === null ? "" : text("longest", { time: duration(door.longest_s) })))));
}

function steps(columns, rows) {
  const [last, first] = [rows.at(-1), rows[Math.max(0, rows.length - 1 - STEPS_OVER)]];
  const parts = STEPS.map(([name, colour]) => {
    const index = columns.indexOf(`${name}_s`);
    return [text(name), colour, last ? Math.max(0, last[index] - first[index]) : 0];
  });
  const all = parts.reduce((sum, [, , value]) => sum + value, 0);
  if (all < 0.005) return [node("p", { class: "soft" }, text("stepsNone"))];
  const over = text("stepsDesc", { time: duration(last[0] - first[0]) });
  const write = (value) => share(value / all);
  return [bar(parts, { write, label: text("steps") }), keys(parts, write), node("p", { class: "soft" }, over)];
}

function pages(model) {
  if (!model.pages) return [node("p", { class: "soft" }, text("pagesNone"))];
  const idle = Math.max(0, model.pages - model.pages_used - model.pages_cached);
  const parts = [[text("used"), "c1", model.pages_used], [text("cached"), "c4", model.pages_cached], [text("free"), "c6", idle]];
  return [
    bar(parts, { whole: model.pages, write: number, label: text("pages") }),
    keys(parts, number),
    facts([[text("hits"), share(model.hit_rate)], [text("preemptions"), number(model.preemptions)]]),
    node("p", { class: "soft" }, text("preemptionsHint")),
  ];
}

function engine({ engine: model, program }) {
  return facts([
    [text("state"), text(`${model.state}_`)],
    [text("model"), program.model],
    [text("restarts"), number(model.restarts)],
    [text("pictures"), number(model.pictures_encoded)],
  ]);
}

function facts(pairs) {
  return node("dl", { class: "facts" }, pairs.map(([name, value]) =>
    node("div", {}, node("dt", {}, name), node("dd", {}, value))));
}

function questions(counted) {
  if (!counted.length) return [node("p", { class: "soft" }, text("questionsNone"))];
  const byDoor = new Map();
  const all = nothing();
  for (const { door, end, count } of counted) {
    const sums = byDoor.get(door) ?? nothing();
    sums[end] += count;
    all[end] += count;
    byDoor.set(door, sums);
  }
  const sum = (sums) => Object.values(sums).reduce((one, other) => one + other, 0);
  const most = Math.max(...[...byDoor.values()].map(sum));
  const parts = (sums) => Object.entries(sums).map(([name, count]) => [text(name), ENDS[name], count]);
  return [
    node("ul", { class: "doors" }, [...byDoor].map(([door, sums]) => node("li", {},
      node("span", {}, doorName(door)),
      bar(parts(sums), { whole: most, write: number, label: doorName(door) }),
      node("b", {}, number(sum(sums))), node("small", {})))),
    keys(parts(all), number),
  ];
}

function nothing() {
  return Object.fromEntries(Object.keys(ENDS).map((end) => [end, 0]));
}

function platforms(counted) {
  if (!counted.length) return node("p", { class: "soft" }, text("platformsNone"));
  const names = ["platform", "sends", "edits", "tooFast", "faults"];
  return node("table", {},
    node("thead", {}, node("tr", {}, names.map((name) => node("th", { scope: "col" }, text(name))))),
    node("tbody", {}, counted.map((one) => node("tr", {},
      node("th", { scope: "row" }, doorName(one.platform)),
      [one.sends, one.edits].map((value) => node("td", {}, number(value))),
      [one.too_fast, one.faults].map((value) => node("td", { class: value ? "warned" : false }, number(value)))))));
}

function desk({ desk: kept, now }) {
  const parts = [["waitingTickets", "waiting", "c2"], ["withStaff", "staff", "c1"], ["withBot", "bot", "c5"]]
    .map(([name, state, colour]) => [text(name), colour, kept.tickets[state] ?? 0]);
  const open = parts.reduce((sum, [, , value]) => sum + value, 0);
  const letters = kept.letters ? [node("p", { class: "soft" }, text("letters", { n: number(kept.letters) }))] : [];
  if (!open) return [node("p", { class: "soft" }, text("deskNone")), ...letters];
  return [
    bar(parts, { write: number, label: text("desk") }),
    keys(parts, number),
    node("ul", { class: "tickets" }, kept.oldest.map((ticket) => node("li", {},
      node("b", {}, `#${ticket.number}`),
      node("span", {}, text(ticket.state === "waiting" ? "waitingTickets" : "withStaff")),
      node("time", { datetime: new Date(ticket.since * 1000).toISOString(), title: clock(ticket.since) },
        text("since", { time: duration(Math.max(0, now - ticket.since)) }))))),
    ...letters,
  ];
}

function graphicsCard(one) {
  const parts = [[text("used"), "c1", one.used_bytes], [text("free"), "c6", one.memory_bytes - one.used_bytes]];
  const memory = text("cardMemory", { used: megabytes(one.used_bytes), all: megabytes(one.memory_bytes) });
  const busy = one.busy === null ? "" : ` · ${text("cardBusy", { n: share(one.busy) })}`;
  const name = text("card", { n: one.index, name: one.name });
  return node("div", { class: "graphics" }, node("p", {}, node("b", {}, name), ` ${memory}${busy}`),
    bar(parts, { write: megabytes, label: name }));
}

function seconds(value) {
  const digits = value < 10 ? 1 : 0;
  return text("seconds", { n: number(value, value < 1 ? 2 : digits) });
}
