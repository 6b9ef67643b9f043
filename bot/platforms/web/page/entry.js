// One question of the history with its answer: a line that opens in place.

import { copy, copyCode } from "./copying.js";
import { planAnswer, planText } from "./markdown.js";
import { button, element, icon, renew } from "./nodes.js";
import { pictures } from "./photos.js";
import { dayOf, showClock, text } from "./texts.js";
import { announce } from "./voice.js";

let made = 0;

export class Entry {
  // `told`: {id, at, question, photos, answer, blocks} of the program.
  constructor(told, acts) {
    Object.assign(this, { told, acts });
    made += 1;
    this.name = `entry${made}`; // for aria-controls
    this.whole = null; // built when it is opened first
    this.opener = this.#opener();
    this.node = element("li", { class: "entry" }, this.opener);
  }

  get day() {
    return dayOf(this.told.at);
  }

  focus() {
    this.opener.focus();
    return true;
  }

  #opener() {
    const { told } = this;
    const time = element("time", { datetime: new Date(told.at * 1000).toISOString() }, showClock(told.at));
    const question = element("strong", { class: "line" }, firstLine(told.question) || text("photoAlone"));
    const answer = element("span", { class: "line answer" }, firstLine(plain(told.answer)));
    const words = element("span", { class: "words" }, question, answer);
    const opener = element(
      "button",
      { type: "button", "aria-expanded": "false", "aria-controls": this.name },
      this.#thumbnail(),
      words,
      time,
      icon("open"),
    );
    opener.addEventListener("click", () => this.#toggle());
    return opener;
  }

  #thumbnail() {
    const { photos } = this.told;
    const place = element("span", { class: "thumbnail" });
    if (photos.length === 0) {
      place.append(icon("lines"));
      return place;
    }
    const image = element("img", { alt: "", loading: "lazy", src: `/api/photos/${photos[0]}?size=thumb` });
    image.addEventListener("error", () => image.replaceWith(icon("broken")));
    place.append(image);
    if (photos.length > 1) place.append(element("span", { class: "number" }, String(photos.length)));
    return place;
  }

  #toggle() {
    const opens = this.opener.getAttribute("aria-expanded") !== "true";
    if (opens && this.whole === null) this.node.append((this.whole = this.#whole()));
    this.opener.setAttribute("aria-expanded", String(opens));
    this.whole.hidden = !opens;
  }

  #whole() {
    const { told } = this;
    const shown = element("div", { class: "pictures" });
    const addresses = told.photos.map((digest) => `/api/photos/${digest}`);
    shown.dataset.columns = Math.min(addresses.length, 3);
    shown.append(...pictures(addresses, this.acts));
    const question = element("div", { class: "text question", dir: "auto" });
    renew(question, planText(told.question, false));
    question.hidden = told.question === "";
    const answer = element("div", { class: "text", dir: "auto" });
    const isRich = Array.isArray(told.blocks);
    answer.classList.toggle("rich", isRich);
    renew(answer, isRich ? planAnswer(told.blocks, false) : planText(told.answer, false));
    answer.addEventListener("click", copyCode);
    return element("div", { class: "whole", id: this.name }, shown, question, answer, this.#tools());
  }

  #tools() {
    const { told, acts } = this;
    const tools = element("div", { class: "tools", role: "group", "aria-label": text("tools") });
    const ask = { kind: "chip small", words: text("askAgain"), onPress: () => acts.onAskAgain(told.question) };
    const remove = { kind: "chip small", picture: "bin", words: text("delete"), onPress: () => this.#confirm(tools) };
    tools.append(button(text("copyAnswer"), { kind: "chip small", picture: "copy", words: text("copy"), onPress: (node) => copy(told.answer, node) }));
    if (told.question !== "") tools.append(button(text("askAgain"), ask));
    tools.append(button(text("delete"), remove));
    return tools;
  }

  // The question whether to delete stands where the button was; No comes first under the fingers.
  #confirm(tools) {
    const isAbout = element("span", {}, text("deleteThis"));
    const back = () => {
      tools.replaceWith(this.#tools());
      this.opener.focus();
    };
    const no = button(text("no"), { kind: "chip small", words: text("no"), onPress: back });
    const yes = button(text("delete"), { kind: "chip small danger", words: text("delete"), onPress: (node) => this.#delete(node, isAbout) });
    tools.replaceChildren(isAbout, no, yes);
    tools.setAttribute("aria-label", text("deleteThis"));
    no.focus();
  }

  async #delete(pressed, place) {
    pressed.disabled = true;
    try {
      await this.acts.call("DELETE", `/api/history/${this.told.id}`);
    } catch (error) {
      if (error.status !== 404) {
        place.textContent = error.message;
        announce(error.message);
        pressed.disabled = false;
        return;
      } // somebody was faster: it is gone, as wished
    }
    this.acts.onDeleted(this);
  }
}

// Markdown's signs tell nothing in one line of an answer; what a person wrote is no Markdown.
function plain(answer) {
  return answer.replace(/[#*`>|_~]+/g, " ");
}

function firstLine(words) {
  const line = words.replace(/\s+/g, " ").trim();
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}
