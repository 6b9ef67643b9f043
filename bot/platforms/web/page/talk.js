// The conversation: what was said, what is being written, and what this window is still sending.

import { Bubble } from "./message.js";
import { text } from "./texts.js";

const NEW = "/new";
const STOP = "/stop";
const AT_BOTTOM_PX = 80;

export class Talk {
  constructor({ frame, list, earlier, newest, acts }) {
    Object.assign(this, { frame, list, earlier, newest });
    this.acts = { ...acts, onGrow: () => this.#follow() };
    this.messages = new Map(); // id -> message of the program
    this.unsent = new Map(); // key -> what this window is still sending
    this.pressed = new Map(); // id -> the thumb that was given here
    this.bubbles = new Map(); // id or key -> Bubble
    this.showsAll = false;
    this.sticks = true;
    frame.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    earlier.addEventListener("click", () => this.#showAll());
    newest.addEventListener("click", () => this.toNewest());
  }

  // True while something is being written that can be stopped.
  get isBusy() {
    return [...this.messages.values()].some((message) => message.side === "bot" && !message.final);
  }

  get isEmpty() {
    return this.#visible().every((message) => message.isNote);
  }

  replaceAll(messages) {
    this.messages = new Map(messages.map((message) => [message.id, message]));
    for (const message of messages) this.unsent.delete(message.key);
    this.render();
  }

  put(message) {
    this.messages.set(message.id, message);
    this.unsent.delete(message.key);
    this.render();
  }

  putUnsent(sending) {
    this.unsent.set(sending.key, sending);
    this.sticks = true;
    this.render();
  }

  dropUnsent(key) {
    this.unsent.delete(key);
    this.render();
  }

  putPressed(id, name) {
    this.pressed.set(id, name);
    this.render();
  }

  toNewest() {
    this.sticks = true;
    this.#follow();
  }

  // What is read of a message.
  wordsOf(id) {
    return this.bubbles.get(id)?.words.innerText ?? "";
  }

  render() {
    const shown = withTimes([...this.#visible(), ...this.unsent.values()]);
    const kept = new Set();
    let place = this.list.firstElementChild;
    for (const message of shown) {
      const name = message.id ?? message.key;
      kept.add(name);
      const { node } = this.#bubble(name, message);
      if (node === place) place = place.nextElementSibling;
      else this.list.insertBefore(node, place);
    }
    for (const [name, { node }] of this.bubbles) {
      if (kept.has(name)) continue;
      node.remove();
      this.bubbles.delete(name);
    }
    this.earlier.hidden = this.showsAll || !this.#startsLate();
    this.#follow();
  }

  // Messages after the last "/new", unless all are wished; commands themselves are not shown.
  #visible() {
    const all = [...this.messages.values()].sort((a, b) => a.id - b.id);
    const from = this.showsAll ? 0 : all.findLastIndex(isNew) + 1;
    return all.flatMap((message, index) => {
      if (index < from || isStop(message)) return [];
      const before = all[index - 1];
      if (isNew(message)) return [{ ...message, text: text("newTalkHere"), isNote: true }];
      if (message.side === "bot" && before && isNew(before)) return [{ ...message, isNote: true }];
      return [{ ...message, pressed: this.pressed.get(message.id) ?? message.pressed }];
    });
  }

  #startsLate() {
    return [...this.messages.values()].some(isNew) && this.messages.size > 2;
  }

  #bubble(name, message) {
    let bubble = this.bubbles.get(name);
    if (!bubble) {
      bubble = new Bubble(this.acts);
      this.bubbles.set(name, bubble);
    }
    bubble.draw(message);
    return bubble;
  }

  #follow() {
    if (this.sticks) this.frame.scrollTop = this.frame.scrollHeight;
    this.newest.hidden = this.sticks;
  }

  #onScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.frame;
    this.sticks = scrollHeight - scrollTop - clientHeight < AT_BOTTOM_PX;
    this.newest.hidden = this.sticks;
  }

  #showAll() {
    this.showsAll = true;
    this.sticks = false;
    this.render();
    this.frame.focus();
  }
}

// Of messages within the same minute, only the last one shows it.
function withTimes(messages) {
  const minute = (message) => Math.floor((message?.at ?? 0) / 60);
  return messages.map((message, index) => {
    const isLast = minute(message) !== minute(messages[index + 1]);
    return { ...message, time: isLast ? message.at : 0 };
  });
}

function isNew(message) {
  return message.side === "person" && message.text.trim() === NEW;
}

function isStop(message) {
  return message.side === "person" && message.text.trim() === STOP;
}
