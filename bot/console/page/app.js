// The operator's page: coming in, looking every two seconds, and choosing what is shown.

import { NowView } from "./now.js";
import { PeopleView } from "./people.js";
import { RecordsView } from "./records.js";
import { enter, leave, readState, Refused } from "./server.js";
import { chooseLanguage, duration, text } from "./texts.js";

const EVERY_MS = 2000;
const MOST_ROWS = 900;
const SECTIONS = ["now", "people", "records"];
const byId = (id) => document.getElementById(id);

const samples = { run: "", newest: 0, columns: [], rows: [] };
let views = {};
let state = null;
let shown = SECTIONS.includes(sessionStorage.getItem("section")) ? sessionStorage.getItem("section") : "now";
let timer = 0;

async function start() {
  chooseLanguage(localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
  listen();
  const code = location.hash.slice(1);
  history.replaceState(null, "", "/admin"); // the code shall stand in no history and no screenshot
  try {
    await enter(code);
    open();
  } catch (error) {
    shut(error.code === "console_no_entry" ? "" : error.message); // the page itself says how
  }
}

function listen() {
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      localStorage.setItem("language", button.dataset.language);
      chooseLanguage(button.dataset.language);
      if (Object.keys(views).length) open();
    });
  }
  for (const name of SECTIONS) {
    byId(`tab-${name}`).addEventListener("click", () => show(name));
  }
  byId("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    show(SECTIONS.at((SECTIONS.indexOf(shown) + step) % SECTIONS.length));
    byId(`tab-${shown}`).focus();
  });
  byId("leave").addEventListener("click", async () => {
    try {
      await leave();
    } catch (error) {
      if (error.status !== 403) return tell(error.message); // whose session is over is out already
    }
    shut(text("left"));
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && state) look();
  });
}

// Builds everything anew, as after a change of language.
function open() {
  views = { now: new NowView(byId("now"), show), people: new PeopleView(byId("people")), records: new RecordsView(byId("records")) };
  byId("gate").hidden = true;
  byId("tabs").hidden = byId("leave").hidden = false;
  show(shown);
  look();
}

function shut(why) {
  clearTimeout(timer);
  state = null;
  views = {};
  byId("why").textContent = why;
  byId("gate").hidden = false;
  for (const id of ["tabs", "leave", "status", "banner", ...SECTIONS]) byId(id).hidden = true;
}

function show(name) {
  shown = name;
  sessionStorage.setItem("section", name);
  for (const one of SECTIONS) {
    byId(one).hidden = one !== name;
    byId(`tab-${one}`).setAttribute("aria-selected", String(one === name));
    byId(`tab-${one}`).tabIndex = one === name ? 0 : -1;
  }
  views[name].open?.();
  if (state) views[name].update?.(state, samples);
}

async function look() {
  clearTimeout(timer);
  try {
    const read = await readState(samples.run, samples.newest);
    if (!views[shown]) return; // signed out meanwhile
    state = read;
    keep(state.samples);
    byId("banner").hidden = true;
    showStatus();
    views[shown].update?.(state, samples);
  } catch (error) {
    if (error instanceof Refused && error.status === 403) return shut(error.message);
    tell(error instanceof Refused ? error.message : text("lost"));
  }
  if (!document.hidden) timer = setTimeout(look, EVERY_MS);
}

function tell(trouble) {
  if (byId("banner").textContent !== trouble) byId("banner").textContent = trouble; // read aloud once
  byId("banner").hidden = false;
}

// Two looks may have been under way at once: no row counts twice. Another run begins anew.
function keep({ run, newest, columns, rows }) {
  if (run !== samples.run) Object.assign(samples, { run, columns, newest: 0, rows: [] });
  const fresh = Math.min(rows.length, newest - samples.newest);
  if (fresh <= 0) return;
  samples.rows = [...samples.rows, ...rows.slice(-fresh)].slice(-MOST_ROWS);
  samples.newest = newest;
}

function showStatus() {
  const { program, desk } = state;
  const words = { ok: "stateOk", starting: "stateStarting", stopping: "stateStopping", "engine down": "stateDown", "database away": "stateAway" };
  const paused = program.ok && desk.pause;
  const pill = byId("status");
  pill.className = `pill ${paused ? "warn" : program.ok ? "good" : "bad"}`;
  const [said, since] = pill.children;
  const word = text(paused ? "statePaused" : words[program.status] ?? "stateDown");
  if (said.textContent !== word) said.textContent = word; // read aloud when it changes
  since.textContent = text("up", { time: duration(program.uptime_seconds) });
  pill.title = `${program.model} · ${program.version}`;
  pill.hidden = false;
}

start();
