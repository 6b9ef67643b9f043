// The switches: pause and resume, the settings read again, and any order of the chats by its words.

import { card, newId, node } from "./nodes.js";
import { give } from "./server.js";
import { text } from "./texts.js";

const LENGTHS = [["30", "minutes", 30], ["2h", "hours", 2], ["1d", "days", 1], ["forever", "untilResumed", 0]];
const COMMANDS = ["quota", "role", "allow", "ban", "unban", "stats", "audit", "pause", "resume", "reload", "cases", "case", "approve", "reject"];

// Gives an order and shows what came of it, there and for screen readers.
export async function order(command, words, answer) {
  answer.hidden = false;
  try {
    const { said, rows, done } = await give(command, words);
    answer.className = `answer ${done ? "" : "refused"}`;
    answer.replaceChildren(node("p", {}, said), ...(rows.length ? [table(rows)] : []));
    return done;
  } catch (error) {
    answer.className = "answer refused";
    answer.replaceChildren(node("p", {}, error.message));
    return false;
  }
}

export function answerPlace() {
  return node("div", { class: "answer", role: "status", hidden: true });
}

// A field with its name above it.
export function field(name, input) {
  const id = newId("field");
  input.id = id;
  return node("div", { class: "field" }, node("label", { for: id }, name), input);
}

export function choice(options, chosen) {
  return node("select", {}, options.map(([value, name]) =>
    node("option", { value, selected: value === chosen }, name)));
}

export class Control {
  constructor() {
    this.answer = answerPlace();
    this.said = node("p", { class: "taking" });
    this.pauseForm = this.makePauseForm();
    this.resume = this.button("resume", "strong", () => order("resume", "", this.answer));
    const reload = this.button("reload", "quiet", () => order("reload", "", this.answer));
    const switches = node("div", { class: "switches" }, this.resume, this.pauseForm, this.makeOrderForm());
    const parts = [this.said, switches, this.answer];
    this.element = card(text("control"), parts, { kind: "broad", more: reload });
  }

  update(pause) {
    const until = pause && (pause.until === null ? text("pausedOpen") : text("pausedUntil", { when: pause.until_written }));
    const said = pause ? `${text("paused", { until })} ${pause.text}` : text("taking");
    if (this.said.textContent !== said) this.said.textContent = said;
    this.said.classList.toggle("warned", Boolean(pause));
    this.pauseForm.hidden = Boolean(pause);
    this.resume.hidden = !pause;
  }

  button(name, kind, onclick) {
    return node("button", { type: "button", class: kind, onclick }, text(name));
  }

  makePauseForm() {
    const length = choice(LENGTHS.map(([value, name, n]) => [value, text(name, { n })]), "30");
    const words = node("input", { type: "text", maxlength: "500", autocomplete: "off" });
    const send = (event) => {
      event.preventDefault();
      order("pause", `${length.value} ${words.value}`, this.answer);
    };
    return node("form", { class: "row", onsubmit: send },
      field(text("howLong"), length), field(text("words"), words),
      node("button", { class: "outline" }, text("pause")));
  }

  makeOrderForm() {
    const list = newId("commands");
    const line = node("input", { type: "text", class: "command", list, placeholder: "/stats", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
    const send = (event) => {
      event.preventDefault();
      const [command, ...words] = line.value.trim().replace(/^[/／]/, "").split(/\s+/);
      if (command) order(command.toLowerCase(), words.join(" "), this.answer);
    };
    return node("form", { class: "row", onsubmit: send },
      field(text("command"), line),
      node("button", { class: "outline" }, text("give")),
      node("p", { class: "soft hint" }, text("commandHint")),
      node("datalist", { id: list }, COMMANDS.map((name) => node("option", { value: `/${name}` }))));
  }
}

function table(rows) {
  return node("div", { class: "scroll" }, node("table", {}, node("tbody", {},
    rows.map(([first, ...others]) => node("tr", {},
      node("th", { scope: "row" }, first), others.map((cell) => node("td", {}, cell)))))));
}
