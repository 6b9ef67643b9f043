// People, what they may use and have used; each change is an order as in a chat.

import { answerPlace, choice, field, order } from "./control.js";
import { card, node } from "./nodes.js";
import { bar } from "./plots.js";
import { readPeople } from "./server.js";
import { about, dateAndTime, duration, number, text } from "./texts.js";

const ROLES = ["guest", "member", "staff", "admin"];
const BANS = [["2h", "hours", 2], ["1d", "days", 1], ["7d", "days", 7], ["forever", "forever", 0]];

export class PeopleView {
  constructor(host) {
    this.found = [];
    this.words = "";
    this.opened = ""; // whose forms are open
    this.input = node("input", { type: "search", maxlength: "200", autocomplete: "off" });
    this.list = node("ul", { class: "people" });
    this.limits = node("ul", { class: "roles" });
    this.more = node("button", { type: "button", class: "outline", hidden: true, onclick: () => this.load(this.found.length) }, text("more"));
    this.answer = answerPlace();
    const search = (event) => {
      event.preventDefault();
      this.words = this.input.value;
      this.load();
    };
    host.replaceChildren(node("div", { class: "cards" },
      card(text("everybody"), [
        node("form", { class: "row", role: "search", onsubmit: search },
          field(text("search"), this.input), node("button", { class: "outline" }, text("searchButton"))),
        this.answer, this.list, this.more,
      ], { kind: "whole" }),
      card(text("byRole"), [node("p", { class: "soft" }, text("byRoleHint")), this.limits], { kind: "whole" })));
  }

  open() {
    this.load();
  }

  async load(after = 0) {
    try {
      const { people, limits, more } = await readPeople(this.words, after);
      this.found = after ? [...this.found, ...people] : people;
      this.common = limits;
      this.more.hidden = !more;
      this.draw();
    } catch (error) {
      this.list.replaceChildren(node("li", { class: "warned" }, error.message));
    }
  }

  draw() {
    this.list.replaceChildren(...(this.found.length ? this.found.map((one) => this.person(one))
      : [node("li", { class: "soft" }, text("nobody"))]));
    this.limits.replaceChildren(...this.common.map((one) => this.role(one)));
  }

  // An order about somebody; then everything is read again, and their forms stay open.
  async give(command, words) {
    if (await order(command, words, this.answer)) await this.load();
    this.answer.scrollIntoView({ block: "nearest" });
  }

  person(one) {
    const seen = one.last_seen === null ? text("neverSeen")
      : text("lastSeen", { time: duration(Math.max(0, Date.now() / 1000 - one.last_seen)) });
    const today = text("today", { questions: number(one.used_today.questions), tokens: about(one.used_today.tokens) });
    const banned = !one.is_banned ? null : node("span", { class: "pill bad" },
      one.banned_until === null ? text("banned") : text("bannedUntil", { when: dateAndTime(one.banned_until) }));
    return node("li", { class: "person" },
      node("div", { class: "who" },
        node("p", {}, node("b", {}, one.name || one.who), node("span", { class: `pill ${one.role}` }, text(`role_${one.role}`)), banned),
        node("p", { class: "soft" }, one.name ? node("span", { class: "id", title: one.who }, one.who) : null,
        node("span", {}, `${seen} · ${today}`))),
      node("div", { class: "limits" }, one.limits.length ? one.limits.map(usage)
        : node("p", { class: "soft" }, text("noLimits"))),
      ...this.changing(one.who, one.name || one.who, () => this.personForms(one)));
  }

  role(one) {
    const name = one.who === "groups" ? text("groups") : text(`role_${one.who.slice(5)}`);
    return node("li", { class: "person" },
      node("div", { class: "who" }, node("b", {}, name)),
      node("p", { class: "limits" }, one.limits.map(limitWords).join(" · ") || text("noLimits")),
      ...this.changing(one.who, name, () => [this.limitForm(one)]));
  }

  // The button, and the forms while they are open.
  changing(who, name, forms) {
    const isOpen = this.opened === who;
    const toggle = () => {
      this.opened = isOpen ? "" : who;
      this.draw();
      document.querySelector(`[data-who="${CSS.escape(who)}"]`)?.focus();
    };
    return [
      node("button", {
        type: "button", class: "outline", "data-who": who, "aria-expanded": String(isOpen),
        "aria-label": `${text(isOpen ? "done" : "change")}: ${name}`, onclick: toggle,
      }, text(isOpen ? "done" : "change")),
      isOpen ? node("div", { class: "forms" }, forms()) : null,
    ];
  }

  personForms(one) {
    return [this.limitForm(one), this.extraForm(one), this.roleForm(one), this.banForm(one)];
  }

  limitForm({ who, limits }) {
    const first = limits.find((limit) => limit.amount !== null) ?? { amount: 20, unit: "questions", period: "day" };
    const amount = node("input", { type: "number", min: "0", step: "1", value: first.amount, required: true });
    const unit = choice([["questions", text("unitQuestions")], ["tokens", text("unitTokens")]], first.unit);
    const period = choice([["day", text("day")], ["month", text("month")]], first.period);
    const name = () => `${unit.value}/${period.value}`;
    return this.form("limit", () => this.give("quota", `${who} set ${amount.value} ${name()}`), [
      field(text("amount"), amount), field(text("unit"), unit), field(text("period"), period),
      node("button", { class: "strong" }, text("set")),
      node("button", { type: "button", class: "quiet", onclick: () => this.give("quota", `${who} set unlimited ${name()}`) }, text("unlimited")),
      node("button", { type: "button", class: "quiet", onclick: () => this.give("quota", `${who} set default`) }, text("backToDefault")),
    ]);
  }

  extraForm({ who }) {
    const amount = node("input", { type: "number", min: "1", step: "1", value: "10", required: true });
    const unit = choice([["questions", text("unitQuestions")], ["tokens", text("unitTokens")]], "questions");
    return this.form("extra", () => this.give("quota", `${who} give ${amount.value} ${unit.value}`), [
      field(text("amount"), amount), field(text("unit"), unit),
      node("button", { class: "outline" }, text("giveExtra")),
      node("button", { type: "button", class: "quiet", onclick: () => this.give("quota", `${who} reset`) }, text("startOver")),
    ]);
  }

  roleForm({ who, role }) {
    const chosen = choice(ROLES.map((name) => [name, text(`role_${name}`)]), role);
    return this.form("role", () => this.give("role", `${who} ${chosen.value}`), [
      field(text("role"), chosen), node("button", { class: "outline" }, text("set")),
    ]);
  }

  banForm({ who, is_banned: isBanned }) {
    if (isBanned) {
      return this.form("ban", () => this.give("unban", who), [node("button", { class: "outline" }, text("unban"))]);
    }
    const length = choice(BANS.map(([value, name, n]) => [value, text(name, { n })]), "2h");
    const reason = node("input", { type: "text", maxlength: "200", autocomplete: "off" });
    return this.form("ban", () => this.give("ban", `${who} ${length.value} ${reason.value}`), [
      field(text("howLong"), length), field(text("reason"), reason), node("button", { class: "outline danger" }, text("ban")),
    ]);
  }

  form(name, send, fields) {
    const onsubmit = (event) => {
      event.preventDefault();
      send();
    };
    return node("form", { class: "row", onsubmit, "aria-label": text(name) }, node("b", { class: "name" }, text(name)), fields);
  }
}

function usage(limit) {
  const full = limit.used >= limit.allowed;
  const words = text("usedOf", { used: number(limit.used), allowed: number(limit.allowed) });
  return node("div", { class: "usage" },
    node("span", {}, limitWords(limit)),
    bar([[text("used"), full ? "c2" : "c1", Math.min(limit.used, limit.allowed)]], {
      whole: Math.max(1, limit.allowed), write: () => words, label: limitWords(limit),
    }),
    node("b", { class: full ? "warned" : false }, words));
}

function limitWords({ amount, unit, period }) {
  const counted = amount === null ? "unitQuestions" : "countedQuestions"; // none is counted where all may be
  const what = text(unit === "tokens" ? "unitTokens" : counted);
  const n = amount === null ? `${text("unlimited")} ${what}` : `${number(amount)} ${what}`;
  return text(period === "day" ? "perDay" : "perMonth", { n });
}
