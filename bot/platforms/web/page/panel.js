// The side panel: how answers are drawn, kept in this browser; beside the talk where there is room
// for both, else over it.

import { keep, recall } from "./kept.js";
import { text } from "./texts.js";
import { announce } from "./voice.js";

const KEPT = "wishes";
const WIDE = matchMedia("(min-width: 62rem)");
const find = (selector) => document.querySelector(selector);

// What a slider is called here, and in the field that is sent.
const SLIDERS = [
  { name: "temperature", least: () => 0, most: () => 2, step: 0.05, digits: 2 },
  { name: "top_p", least: () => 0.05, most: () => 1, step: 0.05, digits: 2 },
  { name: "max_tokens", least: (most) => Math.min(16, most), most: (most) => most, step: 1, digits: 0 },
];

export class Panel {
  constructor() {
    this.panel = find("#panel");
    this.opener = find("#openPanel");
    this.defaults = {};
    this.chosen = recall(KEPT) ?? {};
    this.opener.addEventListener("click", () => this.toggle());
    find("#closePanel").addEventListener("click", () => this.close());
    find("#resetWishes").addEventListener("click", () => this.#reset());
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    this.panel.addEventListener("click", (event) => {
      if (event.target === this.panel && !WIDE.matches) this.close(); // pressed beside it
    });
    this.panel.addEventListener("close", () => this.#closed());
    WIDE.addEventListener("change", () => this.panel.open && this.close());
    for (const { name } of SLIDERS) {
      find(`#${name}`).addEventListener("input", (event) => this.#choose(name, Number(event.target.value)));
    }
  }

  // As the program has it: {temperature, top_p, max_tokens}; no answer is longer than `most`.
  setDefaults(defaults, most) {
    this.defaults = defaults;
    for (const slider of SLIDERS) {
      const range = find(`#${slider.name}`);
      range.min = slider.least(most);
      range.max = slider.most(most);
      range.step = slider.step;
    }
    this.render();
  }

  // What was chosen here and differs from what is usual.
  wishes() {
    return Object.fromEntries(
      SLIDERS.map(({ name }) => [name, this.#value(name)]).filter(([name, value]) => value !== this.defaults[name]),
    );
  }

  toggle() {
    if (this.panel.open) this.close();
    else this.open();
  }

  open() {
    if (WIDE.matches) this.panel.show();
    else this.panel.showModal();
    this.opener.setAttribute("aria-expanded", "true");
    find("#panelTitle").focus();
  }

  close() {
    this.panel.close();
  }

  render() {
    for (const slider of SLIDERS) this.#show(slider);
    const isUsual = Object.keys(this.wishes()).length === 0;
    find("#resetWishes").disabled = isUsual;
    this.opener.classList.toggle("marked", !isUsual);
  }

  #show({ name, digits }) {
    const range = find(`#${name}`);
    const value = this.#value(name);
    if (value === undefined) return; // the program has not said yet what is usual
    range.value = value;
    const usual = this.defaults[name].toFixed(digits);
    find(`#${name}Value`).textContent = value.toFixed(digits);
    range.setAttribute("aria-valuetext", value.toFixed(digits));
    find(`#${name}Usual`).textContent = value === this.defaults[name] ? text("isUsual") : text("usual", { usual });
  }

  // Never more than the sliders allow now: the operator may have changed that since.
  #value(name) {
    const { chosen, defaults } = this;
    if (typeof chosen[name] !== "number" || defaults[name] === undefined) return defaults[name];
    const { min, max } = find(`#${name}`);
    return Math.min(Math.max(chosen[name], Number(min)), Number(max));
  }

  #choose(name, value) {
    this.chosen = { ...this.chosen, [name]: value };
    keep(KEPT, this.chosen);
    this.render();
  }

  #reset() {
    this.chosen = {};
    keep(KEPT, null);
    this.render();
    announce(text("wereReset"));
    find("#panelTitle").focus(); // the button just went dead under the focus
  }

  #closed() {
    this.opener.setAttribute("aria-expanded", "false");
    this.opener.focus();
  }
}
