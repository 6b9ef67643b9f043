// Where people write: takes a question with its photos, and loses neither until the program has it.

import { keep, recall, tabStore } from "./kept.js";
import { Tray } from "./photos.js";
import { ask, newKey } from "./server.js";
import { text } from "./texts.js";

const find = (selector) => document.querySelector(selector);
const DRAFT = "draft";
const STOP = "/stop";

export class Composer {
  // `whenSignedIn`: a promise for the moment when somebody is; `whenKnown`: the same, or null where
  // somebody was already; `wishes()`: of the side panel.
  constructor({ talk, most, wishes, whenKnown, whenSignedIn, onChange, onTrouble }) {
    Object.assign(this, { talk, wishes, whenKnown, whenSignedIn, onChange, onTrouble });
    this.question = find("#question");
    this.tray = new Tray(find("#photos"), { most, onChange, onTrouble });
    this.sending = new Map(); // key -> AbortController
    this.turn = Promise.resolve(); // of the next question: when those before it have arrived
    this.isLeaving = false;
    this.question.value = recall(DRAFT, tabStore()) ?? "";
    this.question.addEventListener("input", () => this.#changed());
    this.question.addEventListener("keydown", (event) => this.#onKey(event));
    find("#composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    addEventListener("beforeunload", (event) => this.#warn(event));
  }

  get isEmpty() {
    return this.question.value.trim() === "" && this.tray.isEmpty;
  }

  // Puts words where they can be changed before they are sent.
  offer(words) {
    this.question.value = words;
    this.#changed();
    this.question.focus();
  }

  submit() {
    const words = this.question.value.trim();
    if (this.isEmpty) {
      this.onTrouble(text("needQuestion"));
      this.question.focus();
      return;
    }
    this.onTrouble("");
    this.question.value = "";
    this.#changed();
    this.send(words, words.startsWith("/") ? [] : this.tray.take()); // commands are about no photo
    this.question.focus();
  }

  // Returns when the program has it, or it was given back. What was asked first arrives first; only
  // a stop waits for nothing.
  async send(words, photos = []) {
    const wishes = words.startsWith("/") ? {} : this.wishes();
    const sending = { key: newKey(), words, photos, wishes, ending: new AbortController() };
    const mayWait = words !== STOP;
    const show = this.#shower(sending);
    const known = this.whenKnown();
    show(text("sending"), mayWait && (this.sending.size > 0 || known !== null));
    this.sending.set(sending.key, sending.ending);
    this.onChange();
    const delivery = this.#deliver(sending, show, Promise.all([known, mayWait ? this.turn : null]));
    if (mayWait) this.turn = Promise.all([this.turn, delivery]);
    await delivery;
    this.onChange();
  }

  async #deliver({ key, words, photos, wishes, ending }, show, before) {
    const { signal } = ending;
    try {
      await Promise.race([before, ended(signal)]);
      const blobs = await Promise.all(photos.map((photo) => photo.ready));
      const message = await ask(
        { key, words, photos: blobs, wishes },
        { onRetry: () => show(text("retrying"), true), onSignedOut: () => this.whenSignedIn(), signal },
      );
      this.talk.put(message);
      photos.forEach((photo) => URL.revokeObjectURL(photo.url));
    } catch (error) {
      this.talk.dropUnsent(key);
      this.#giveBack(words.startsWith("/") ? "" : words, withoutBad(photos, error.photo));
      if (!signal.aborted) this.onTrouble(sentenceOf(error, photos));
    } finally {
      this.sending.delete(key);
    }
  }

  // Shows the question with a note of how far it is. Commands are not shown.
  #shower({ key, words, photos }) {
    const urls = photos.map((photo) => photo.url);
    const sending = { key, side: "person", text: words, photos: [], urls, final: true };
    return (note, canTakeBack) => words.startsWith("/") || this.talk.putUnsent({ ...sending, note, canTakeBack });
  }

  takeBack(message) {
    this.sending.get(message.key)?.abort();
    this.question.focus();
  }

  // Before somebody else sits down here.
  forget() {
    keep(DRAFT, null, tabStore());
    for (const ending of this.sending.values()) ending.abort();
    this.sending.clear();
    this.tray.take();
    this.question.value = "";
    this.isLeaving = true;
  }

  fit() {
    this.question.style.height = "auto";
    this.question.style.height = `${this.question.scrollHeight}px`;
  }

  relabel() {
    this.tray.render();
    this.fit();
  }

  // What could not be sent goes back to where it was typed, in front of what stands there by now.
  #giveBack(words, photos) {
    if (this.isLeaving) return;
    const now = this.question.value;
    this.question.value = now === "" ? words : words === "" ? now : `${words}\n${now}`;
    this.tray.giveBack(photos);
    this.#changed();
  }

  #changed() {
    keep(DRAFT, this.question.value === "" ? null : this.question.value, tabStore());
    this.fit();
  }

  #onKey(event) {
    // While an input method composes, Enter chooses a word (229: browsers that forget to say so).
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    }
  }

  // Photos would be lost with the page, and so would what is on its way.
  #warn(event) {
    if (!this.isLeaving && (this.sending.size > 0 || !this.tray.isEmpty)) event.preventDefault();
  }
}

function ended(signal) {
  return new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

function sentenceOf(error, photos) {
  if (!error.photo || photos.length < 2) return error.message;
  return text("aboutPhoto", { number: error.photo, sentence: error.message });
}

// The photo that nobody can read would only be refused again, and the others with it.
function withoutBad(photos, number) {
  const bad = photos[(number ?? 0) - 1];
  if (bad) URL.revokeObjectURL(bad.url);
  return photos.filter((photo) => photo !== bad);
}
