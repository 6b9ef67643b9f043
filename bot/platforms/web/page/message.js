// One bubble: who said it, its photos, its words, and what can be done with it.

import { copy, copyCode } from "./copying.js";
import { planAnswer, planText } from "./markdown.js";
import { button, element, icon, renew } from "./nodes.js";
import { pictures } from "./photos.js";
import { currentLanguage, showMoment, text } from "./texts.js";

const PICTURE_OF = { again: "again", up: "thumb-up", down: "thumb-down" };
const IN_COMPOSER = "stop"; // has its place beside the question

export class Bubble {
  // `acts`: onPress(message, name), onTakeBack(message), onOpenPhoto(address, label), onGrow().
  constructor(acts) {
    this.acts = acts;
    this.drawn = {};
    this.shown = null; // the message as it was drawn last
    this.node = element("li", { class: "message" }, icon("mark"));
    this.node.firstChild.classList.add("mark");
    this.body = element("div", { class: "body" });
    this.who = element("span", { class: "who unseen" });
    this.pictures = element("div", { class: "pictures" });
    this.words = element("div", { class: "text", dir: "auto" });
    this.tools = element("div", { class: "tools", role: "group" });
    this.time = element("time");
    this.state = element("span", { class: "state" });
    this.under = element("div", { class: "under" }, this.tools, this.time, this.state);
    this.body.append(this.who, this.pictures, this.words, this.under);
    this.node.append(this.body);
    this.words.addEventListener("click", copyCode);
  }

  draw(message) {
    const now = { ...message, language: currentLanguage() };
    if (this.shown !== null && isSame(this.shown, now)) return;
    this.shown = now;
    this.#draw(message);
  }

  #draw(message) {
    const isBot = message.side === "bot";
    const isWriting = isBot && !message.final;
    this.node.className = `message ${message.isNote ? "note" : isBot ? "from-bot" : "from-person"}`;
    this.node.classList.toggle("writing", isWriting);
    this.node.classList.toggle("unsent", message.id === undefined);
    this.node.dataset.id = message.id ?? "";
    this.who.textContent = text(isBot ? "bot" : "you");
    this.#drawWords(message, isBot, isWriting);
    this.#drawPictures(message);
    this.#drawTools(message, isBot && message.final && !message.isNote);
    showMoment(this.time, message.time);
    this.state.textContent = message.note ?? "";
    this.under.hidden = !message.time && !message.note && this.tools.hidden;
  }

  #drawWords(message, isBot, isWriting) {
    const isRich = isBot && Array.isArray(message.blocks) && !message.isNote;
    this.words.classList.toggle("rich", isRich);
    this.words.hidden = message.text === "";
    renew(this.words, isRich ? planAnswer(message.blocks, isWriting) : planText(message.text, isWriting));
  }

  #drawPictures(message) {
    const addresses = message.urls ?? message.photos.map((digest) => `/api/photos/${digest}`);
    if (!this.#isNew("pictures", addresses, currentLanguage())) return;
    const { onOpenPhoto, onGrow } = this.acts;
    this.pictures.replaceChildren(...pictures(addresses, { onOpenPhoto, onLoad: onGrow }));
    this.pictures.dataset.columns = columns(addresses.length);
  }

  #drawTools(message, isAnswer) {
    const buttons = (message.buttons ?? []).filter(({ name }) => name !== IN_COMPOSER);
    const isUnsent = message.canTakeBack === true;
    if (!this.#isNew("tools", isAnswer, isUnsent, buttons, message.pressed, currentLanguage())) return;
    const held = this.tools.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    const tools = [];
    if (isAnswer) tools.push(this.#copier(message));
    if (isAnswer) tools.push(...buttons.map((one) => this.#presser(message, one)));
    if (isUnsent) {
      const onPress = () => this.acts.onTakeBack(message);
      tools.push(button(text("takeBack"), { kind: "chip small", words: text("takeBack"), onPress }));
    }
    this.tools.replaceChildren(...tools);
    this.tools.setAttribute("aria-label", text("tools"));
    this.tools.hidden = tools.length === 0;
    if (held) [...this.tools.children].find((tool) => tool.dataset.name === held)?.focus();
  }

  #copier(message) {
    const onPress = (node) => copy(message.text, node);
    const tool = button(text("copyAnswer"), { kind: "tool", picture: "copy", onPress });
    tool.dataset.name = "copy";
    return tool;
  }

  #presser(message, { name, label }) {
    const known = PICTURE_OF[name];
    const onPress = () => this.acts.onPress(message, name);
    const tool = known
      ? button(text(name), { kind: "tool", picture: known, onPress })
      : button(label, { kind: "chip small", words: label, onPress });
    tool.dataset.name = name;
    if (name === "up" || name === "down") tool.setAttribute("aria-pressed", message.pressed === name);
    return tool;
  }

  // Has any of it changed since it was asked last?
  #isNew(part, ...state) {
    const now = JSON.stringify(state);
    const before = this.drawn[part];
    this.drawn[part] = now;
    return now !== before;
  }
}

// By identity: what the program sent is never changed, and comparing whole answers would cost more
// than drawing them.
function isSame(one, other) {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => one[name] === other[name]);
}

function columns(photos) {
  return photos === 4 ? 2 : Math.min(photos, 3);
}
