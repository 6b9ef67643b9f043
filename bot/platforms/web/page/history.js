// What was asked before: found by word and day, opened in place, deleted, taken along as CSV.

import { Entry } from "./entry.js";
import { element } from "./nodes.js";
import { address } from "./server.js";
import { text } from "./texts.js";
import { announce } from "./voice.js";

const TYPING_MS = 300;
const find = (selector) => document.querySelector(selector);

export class History {
  constructor({ call, onOpenPhoto, onAskAgain }) {
    this.acts = { call, onOpenPhoto, onAskAgain, onDeleted: (entry) => this.#forget(entry) };
    this.frame = find("#history");
    this.list = find("#entries");
    this.entries = [];
    this.next = null; // the cursor of what comes after these; null: nothing does
    this.ending = null; // AbortController of the search under way
    this.timer = null;
    find("#filter").addEventListener("submit", (event) => {
      event.preventDefault();
      this.search();
    });
    find("#words").addEventListener("input", () => this.#searchSoon());
    for (const day of [find("#fromDay"), find("#toDay")]) day.addEventListener("change", () => this.search());
    find("#clearFilter").addEventListener("click", () => this.#clear());
    find("#more").addEventListener("click", () => this.#more());
    this.#letDeleteAll();
  }

  async search() {
    clearTimeout(this.timer);
    this.ending?.abort();
    const { signal } = (this.ending = new AbortController());
    this.#show("waiting");
    find("#csv").href = address("/api/history.csv", { ...this.#wishes(), tz: Intl.DateTimeFormat().resolvedOptions().timeZone });
    try {
      const { entries, next } = await this.#fetch("", signal);
      this.entries = entries.map((one) => new Entry(one, this.acts));
      this.next = next;
      this.#render();
      announce(entries.length === 0 ? text(this.#isFiltered ? "nothingFound" : "historyEmpty") : text("found", { count: this.#count }));
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
  }

  relabel() {
    if (!this.frame.hidden) this.search();
  }

  async #more() {
    const { signal } = this.ending;
    const first = this.entries.length;
    try {
      const { entries, next } = await this.#fetch(this.next, signal);
      this.entries.push(...entries.map((one) => new Entry(one, this.acts)));
      this.next = next;
      this.#render();
      this.entries[first]?.focus();
    } catch (error) {
      if (!signal.aborted) this.#say(error); // what was found before stays
    }
  }

  #fetch(cursor, signal) {
    return this.acts.call("GET", "/api/history", { query: { ...this.#wishes(), cursor }, signal });
  }

  // Days are those of this browser's clock; the last one counts whole.
  #wishes() {
    return {
      q: find("#words").value.trim(),
      after: midnight(find("#fromDay").value, 0),
      before: midnight(find("#toDay").value, 1),
    };
  }

  get #isFiltered() {
    return Object.values(this.#wishes()).some((wish) => wish !== "");
  }

  get #count() {
    return `${this.entries.length}${this.next === null ? "" : "+"}`;
  }

  #render() {
    const nodes = [];
    let day = "";
    for (const entry of this.entries) {
      if (entry.day !== day) nodes.push(element("li", { class: "day" }, element("h3", {}, entry.day)));
      day = entry.day;
      nodes.push(entry.node);
    }
    this.list.replaceChildren(...nodes);
    find("#more").hidden = this.next === null;
    this.#show(this.entries.length > 0 ? "entries" : this.#isFiltered ? "nothing" : "empty");
  }

  // One of: waiting, entries, nothing (was found), empty (nothing was ever asked), failed.
  #show(state) {
    this.frame.dataset.state = state;
    this.frame.setAttribute("aria-busy", String(state === "waiting"));
    find("#noEntries").hidden = state !== "nothing" && state !== "empty" && state !== "failed";
    if (state === "nothing") find("#noEntries p").textContent = text("nothingFound");
    if (state === "empty") find("#noEntries p").textContent = text("historyEmpty");
    this.list.hidden = state !== "entries" && state !== "waiting";
    find("#clearFilter").hidden = !this.#isFiltered;
    find("#takeAway").hidden = state === "empty" || state === "failed";
  }

  #failed(error) {
    this.#show("failed");
    this.#say(error);
  }

  #say(error) {
    find("#noEntries").hidden = false;
    find("#noEntries p").textContent = error.message;
    announce(error.message);
  }

  #forget(entry) {
    const index = this.entries.indexOf(entry);
    this.entries.splice(index, 1);
    this.#render();
    announce(text("deleted"));
    (this.entries[index] ?? this.entries[index - 1])?.focus() ?? find("#words").focus();
  }

  #searchSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), TYPING_MS);
  }

  #clear() {
    find("#filter").reset();
    find("#words").focus();
    this.search();
  }

  #letDeleteAll() {
    const dialog = find("#confirmAll");
    find("#deleteAll").addEventListener("click", () => dialog.showModal());
    dialog.addEventListener("close", async () => {
      if (dialog.returnValue !== "delete") return;
      dialog.returnValue = "";
      try {
        await this.acts.call("DELETE", "/api/history");
        announce(text("deleted"));
      } catch (error) {
        this.#failed(error);
        return;
      }
      this.#clear();
    });
  }
}

function midnight(day, daysLater) {
  if (day === "") return "";
  const [year, month, date] = day.split("-").map(Number);
  return Math.max(0, new Date(year, month - 1, date + daysLater).getTime() / 1000); // half a year is typed: 0002
}
