// The bubbles: what was said, and what is being written. Everything people or the model wrote is
// put in by textContent and never becomes markup.

import { unreadable } from "./photos.js";
import { currentLanguage, text } from "./texts.js";

const NEW = "/new";
const STOP = "/stop";
const AT_BOTTOM_PX = 80;

export class Talk {
  constructor({ frame, list, template, earlier, newest, onOpenPhoto }) {
    Object.assign(this, { frame, list, template, earlier, newest, onOpenPhoto });
    this.messages = new Map(); // id -> message of the program
    this.unsent = new Map(); // key -> what this window is still sending
    this.nodes = new Map(); // id or key -> { node, drawn }
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

  toNewest() {
    this.sticks = true;
    this.#follow();
  }

  relabel() {
    for (const entry of this.nodes.values()) entry.drawn = "";
    this.render();
  }

  render() {
    const shown = withTimes([...this.#visible(), ...this.unsent.values()]);
    const kept = new Set();
    let place = this.list.firstElementChild;
    for (const message of shown) {
      const name = message.id ?? message.key;
      kept.add(name);
      const node = this.#node(name, message);
      if (node === place) place = place.nextElementSibling;
      else this.list.insertBefore(node, place);
    }
    for (const [name, { node }] of this.nodes) {
      if (kept.has(name)) continue;
      node.remove();
      this.nodes.delete(name);
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
      const isNote = isNew(message) || (message.side === "bot" && before && isNew(before));
      return [isNote ? { ...message, isNote } : message];
    });
  }

  #startsLate() {
    return [...this.messages.values()].some(isNew) && this.messages.size > 2;
  }

  #node(name, message) {
    let entry = this.nodes.get(name);
    if (!entry) {
      const node = this.template.content.firstElementChild.cloneNode(true);
      entry = { node, drawn: "", pictures: "" };
      this.nodes.set(name, entry);
    }
    const state = JSON.stringify([message.text, message.final, message.photos, message.note, message.isNote, message.time]);
    if (entry.drawn !== state) {
      entry.drawn = state;
      this.#draw(entry, message);
    }
    return entry.node;
  }

  #draw(entry, message) {
    const { node } = entry;
    const isBot = message.side === "bot";
    const isWriting = isBot && !message.final;
    node.className = `message ${message.isNote ? "note" : isBot ? "from-bot" : "from-person"}`;
    node.classList.toggle("writing", isWriting);
    node.classList.toggle("unsent", message.id === undefined);
    node.dataset.id = message.id ?? "";
    node.querySelector(".who").textContent = text(isBot ? "bot" : "you");
    node.querySelector(".text").textContent = isNew(message) ? text("newTalkHere") : message.text;
    node.querySelector(".text").hidden = message.text === "";
    node.querySelector(".state").textContent = message.note ?? "";
    this.#drawTime(node.querySelector("time"), message.time);
    node.querySelector(".under").hidden = !message.time && !message.note;
    const addresses = message.urls ?? message.photos.map((digest) => `/api/photos/${digest}`);
    const pictures = JSON.stringify([addresses, currentLanguage()]);
    if (entry.pictures !== pictures) {
      entry.pictures = pictures;
      const buttons = addresses.map((address, index) => this.#picture(address, index + 1));
      node.querySelector(".pictures").replaceChildren(...buttons);
      node.querySelector(".pictures").dataset.columns = columns(addresses.length);
    }
  }

  #drawTime(node, at) {
    node.hidden = !at;
    if (!at) return;
    const moment = new Date(at * 1000);
    const isToday = moment.toDateString() === new Date().toDateString();
    const day = isToday ? {} : { month: "short", day: "numeric" };
    const locale = currentLanguage() === "zh" ? "zh-CN" : "en-GB";
    node.dateTime = moment.toISOString();
    node.textContent = moment.toLocaleString(locale, { ...day, hour: "2-digit", minute: "2-digit" });
    node.title = moment.toLocaleString(locale);
  }

  #picture(address, number) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", text("openPhoto", { number }));
    const image = document.createElement("img");
    image.alt = text("photoNumber", { number });
    image.addEventListener("load", () => this.#follow());
    image.addEventListener("error", () => button.replaceWith(unreadable(image.alt)));
    image.src = address;
    button.append(image);
    button.addEventListener("click", () => this.onOpenPhoto(address, image.alt));
    return button;
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

function columns(photos) {
  return photos === 4 ? 2 : Math.min(photos, 3);
}

function isNew(message) {
  return message.side === "person" && message.text.trim() === NEW;
}

function isStop(message) {
  return message.side === "person" && message.text.trim() === STOP;
}
