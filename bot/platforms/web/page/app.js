// The page: puts the parts together, and shows one view at a time.

import { Composer } from "./composer.js";
import { letPhotosIn } from "./dropping.js";
import { Follower } from "./follower.js";
import { History } from "./history.js";
import { Panel } from "./panel.js";
import { newKey } from "./server.js";
import { Session } from "./session.js";
import { Talk } from "./talk.js";
import { currentLanguage, fillTexts, setLanguage, text } from "./texts.js";
import { openPhoto } from "./viewer.js";
import { announce } from "./voice.js";

const MOST_PHOTOS = 8; // until the program has told
const WITH_KEYS = matchMedia("(pointer: fine)");
const find = (selector) => document.querySelector(selector);

const trouble = find("#trouble");
const stop = find("#stop");
let isKnown = false; // is anybody signed in?

const panel = new Panel();
const session = new Session({
  onSignedIn,
  onSignedOut,
  onAway: () => showConnection(false),
  onLeaving: () => composer.forget(),
});
const talk = new Talk({
  frame: find("#talk"),
  list: find("#messages"),
  earlier: find("#earlier"),
  newest: find("#newest"),
  acts: { onOpenPhoto: openPhoto, onPress: press, onTakeBack: (message) => composer.takeBack(message) },
});
const composer = new Composer({
  talk,
  most: MOST_PHOTOS,
  wishes: () => panel.wishes(),
  whenKnown: () => session.known(),
  whenSignedIn: () => session.signedIn(),
  onChange: () => refresh(),
  onTrouble: complain,
});
const history = new History({
  call: (...wishes) => session.call(...wishes),
  onOpenPhoto: openPhoto,
  onAskAgain: (words) => {
    location.hash = "";
    composer.offer(words);
  },
});
const follower = new Follower({
  onMessages: (messages) => {
    talk.replaceAll(messages);
    refresh();
  },
  onMessage: (message) => {
    const isFirst = !talk.messages.has(message.id);
    talk.put(message);
    tell(message, isFirst);
    refresh();
  },
  onConnection: showConnection,
  onSignedOut: () => session.start(),
});

// --- who is here

function onSignedIn(me) {
  isKnown = true;
  showConnection(true);
  composer.tray.most = me.limits.photos;
  panel.setDefaults(me.defaults, me.limits.max_tokens);
  find("#account").hidden = !me.canSignOut && !me.isAdmin;
  find("#name").textContent = me.name;
  find("#toAdmin").hidden = !me.isAdmin;
  find("#signOut").hidden = !me.canSignOut;
  route();
  if (document.activeElement === document.body) focusTalk();
  follower.start();
}

function onSignedOut() {
  isKnown = false;
  showConnection(true);
  follower.stop();
  find("#draftKept").hidden = composer.isEmpty && talk.unsent.size === 0;
  route();
}

// --- views

function route() {
  const view = !isKnown ? "signIn" : location.hash === "#history" ? "history" : "talk";
  const isNew = document.body.dataset.view !== view;
  document.body.dataset.view = view;
  for (const name of ["talk", "history", "signIn"]) find(`#${name}`).hidden = name !== view;
  find("footer").hidden = view !== "talk";
  find(".skip").hidden = view !== "talk";
  for (const tool of [find("#new"), find("#openHistory"), find("#openPanel")]) tool.hidden = view === "signIn";
  if (view === "signIn" && panel.panel.open) panel.close();
  if (view === "history") find("#openHistory").setAttribute("aria-current", "page");
  else find("#openHistory").removeAttribute("aria-current");
  if (!isNew) return;
  if (view === "history") {
    history.search();
    find("#historyTitle").focus();
  }
  if (view === "talk") {
    talk.render(); // its frame had no height while it was hidden
    composer.fit();
    focusTalk();
  }
}

// On a touch screen that would bring up the keyboard, over what is to be read.
function focusTalk() {
  (WITH_KEYS.matches ? composer.question : find("#talk")).focus({ preventScroll: true });
}

addEventListener("hashchange", route);
for (const back of document.querySelectorAll('a[href="#"]')) {
  back.addEventListener("click", (event) => {
    event.preventDefault();
    location.hash = "";
  });
}

// --- the talk

async function press(message, name) {
  complain("");
  const isThumb = name === "up" || name === "down";
  const before = talk.pressed.get(message.id) ?? "";
  if (isThumb) talk.putPressed(message.id, name);
  try {
    await session.call("POST", "/api/press", { json: { message: message.id, name, key: newKey() } });
    if (isThumb) announce(text("thumbTaken"));
  } catch (error) {
    if (isThumb) talk.putPressed(message.id, before);
    complain(error.message);
  }
}

stop.addEventListener("click", () => {
  composer.send("/stop");
  composer.question.focus();
});

find("#new").addEventListener("click", async () => {
  complain("");
  location.hash = "";
  talk.showsAll = false;
  await composer.send("/new");
  composer.question.focus();
});

find("#askPrivacy").addEventListener("click", async () => {
  complain("");
  location.hash = "";
  if (panel.panel.matches(":modal")) panel.close();
  await composer.send("/privacy");
});

for (const example of document.querySelectorAll("#examples button")) {
  example.addEventListener("click", () => composer.offer(example.textContent));
}

letPhotosIn(
  (files) => {
    complain("");
    composer.tray.add(files);
    composer.question.focus();
  },
  () => document.body.dataset.view === "talk" && !find("#viewer").open,
);

// --- what people see and hear

function refresh() {
  const isEmpty = talk.isEmpty && talk.unsent.size === 0;
  find("#empty").hidden = !(isEmpty && follower.revision !== null);
  find("#new").disabled = isEmpty;
  stop.hidden = !talk.isBusy;
  composer.question.placeholder = text(
    !composer.tray.isEmpty ? "placeholder" : isEmpty ? "placeholderFirst" : "placeholderMore",
  );
  showFirstPhoto();
}

// With nothing said yet, the first chosen photo takes the place of the invitation.
function showFirstPhoto() {
  const image = find("#firstPhoto");
  const shown = composer.tray.first?.url;
  find("#empty").classList.toggle("has-photo", shown !== undefined);
  find("#empty h2").textContent = text(shown === undefined ? "emptyTitle" : "askTitle");
  if (shown === undefined) image.hidden = true;
  else if (image.src !== shown) image.src = shown;
}

find("#firstPhoto").addEventListener("load", (event) => {
  event.target.hidden = composer.tray.isEmpty;
});
find("#firstPhoto").addEventListener("error", (event) => {
  event.target.hidden = true; // not a photo the browser can show; the program will say what is wrong
});

// Once that it is being written, and once what was written: not each of its words.
function tell(message, isFirst) {
  if (message.side !== "bot") return;
  if (message.final) announce(text("bot") + (talk.wordsOf(message.id) || message.text));
  else if (isFirst) announce(text("writing"));
}

function complain(sentence) {
  trouble.hidden = sentence === "";
  trouble.querySelector("p").textContent = sentence;
}

trouble.querySelector("button").addEventListener("click", () => {
  complain("");
  composer.question.focus();
});

function showConnection(isOpen) {
  const banner = find("#banner");
  if (isOpen && !banner.hidden) announce(text("online"));
  banner.hidden = isOpen;
  banner.textContent = isOpen ? "" : text("offline");
}

for (const choice of document.querySelectorAll("[data-language]")) {
  choice.addEventListener("click", () => {
    setLanguage(choice.dataset.language);
    relabel();
  });
}

function relabel() {
  fillTexts(document);
  for (const choice of document.querySelectorAll("[data-language]")) {
    choice.setAttribute("aria-pressed", choice.dataset.language === currentLanguage());
  }
  complain("");
  if (!find("#banner").hidden) showConnection(false);
  panel.render();
  talk.render();
  composer.relabel();
  history.relabel();
}

relabel();
session.start();
