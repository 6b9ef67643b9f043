// What went wrong lately, cases that wait for a decision, and who changed what.

import { answerPlace, order } from "./control.js";
import { card, node } from "./nodes.js";
import { readAudit } from "./server.js";
import { dateAndTime, text } from "./texts.js";

export function troubleList(troubles) {
  if (!troubles.length) return node("p", { class: "soft" }, text("troublesNone"));
  return node("ol", { class: "troubles" }, troubles.map((one) => node("li", {},
    node("time", {}, dateAndTime(one.at)),
    node("span", { class: `level ${one.level.toLowerCase()}` }, one.level),
    node("span", { class: "part" }, one.area),
    node("span", { class: "what" }, one.text,
      one.times > 1 ? node("b", {}, ` ×${one.times}`) : null,
      one.request ? node("code", {}, one.request) : null))));
}

export class RecordsView {
  constructor(host) {
    this.troubles = node("div", {});
    this.audit = node("div", {});
    this.cases = answerPlace();
    const refresh = node("button", { type: "button", class: "quiet", onclick: () => this.open() }, text("refresh"));
    const again = node("button", { type: "button", class: "quiet", onclick: () => this.list() }, text("refresh"));
    host.replaceChildren(node("div", { class: "cards" },
      card(text("recentTroubles"), this.troubles, { kind: "whole" }),
      card(text("cases"), [this.cases, node("p", { class: "soft" }, text("casesHint"))], { kind: "whole", more: again }),
      card(text("audit"), this.audit, { kind: "whole", more: refresh })));
  }

  list() {
    return order("cases", "", this.cases);
  }

  async open() {
    this.list();
    try {
      const { lines } = await readAudit();
      this.audit.replaceChildren(audit(lines));
    } catch (error) {
      this.audit.replaceChildren(node("p", { class: "warned" }, error.message));
    }
  }

  update({ troubles }) {
    const newest = JSON.stringify(troubles);
    if (newest === this.shown) return;
    this.shown = newest;
    this.troubles.replaceChildren(troubleList(troubles));
  }
}

function audit(lines) {
  if (!lines.length) return node("p", { class: "soft" }, text("auditNone"));
  return node("div", { class: "scroll" }, node("table", { class: "audit" },
    node("thead", {}, node("tr", {}, ["time", "who", "what", "outcome"].map((name) => node("th", { scope: "col" }, text(name))))),
    node("tbody", {}, lines.map((line) => node("tr", {},
      node("td", {}, dateAndTime(line.at)), node("td", {}, line.actor),
      node("td", {}, node("code", {}, line.command)), node("td", {}, line.outcome))))));
}
