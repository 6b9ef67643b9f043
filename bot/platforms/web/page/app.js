// The page: puts the parts together and answers to keys, clicks, drops and pastes.

import { Tray } from "./photos.js";
import { Follower, ask, newKey } from "./server.js";
import { Talk } from "./talk.js";
import { currentLanguage, fillTexts, setLanguage, text } from "./texts.js";

const find = (selector) => document.querySelector(selector);

const question = find("#question");
const trouble = find("#trouble");
const stop = find("#stop");

const talk = new Talk({
  frame: find("#talk"),
  list: find("#messages"),
  template: find("#messageTemplate"),
  earlier: find("#earlier"),
  newest: find("#newest"),
  onOpenPhoto: openPhoto,
});
const tray = new Tray(find("#photos"), { onChange: refresh, onTrouble: complain });
const follower = new Follower({
  onMessages: (messages) => {
    talk.replaceAll(messages);
    refresh();
  },
  onMessage: (message) => {
    announce(message);
    talk.put(message);
    refresh();
  },
  onConnection: showConnection,
});

// --- asking

async function send(words, photos = []) {
  const key = newKey();
  const isCommand = words.startsWith("/");
  const sending = {
    key,
    side: "person",
    text: words,
    photos: [],
    urls: photos.map((photo) => photo.url),
    final: true,
    note: text("sending"),
  };
  if (!isCommand) talk.putUnsent(sending);
  refresh();
  try {
    const blobs = await Promise.all(photos.map((photo) => photo.ready));
    const onRetry = () => isCommand || talk.putUnsent({ ...sending, note: text("retrying") });
    talk.put(await ask({ key, question: words, photos: blobs }, onRetry));
    photos.forEach((photo) => URL.revokeObjectURL(photo.url));
  } catch (error) {
    talk.dropUnsent(key);
    giveBack(isCommand ? "" : words, withoutBad(photos, error.photo));
    complain(
      error.photo && photos.length > 1
        ? text("aboutPhoto", { number: error.photo, sentence: error.message })
        : error.message,
    );
  }
  refresh();
}

// The photo that nobody can read would only be refused again, and the others with it.
function withoutBad(photos, number) {
  const bad = photos[(number ?? 0) - 1];
  if (bad) URL.revokeObjectURL(bad.url);
  return photos.filter((photo) => photo !== bad);
}

// What could not be sent goes back to where it was typed, unless something new stands there.
function giveBack(words, photos) {
  if (question.value === "") question.value = words;
  tray.giveBack(photos);
  fitQuestion();
}

function submit() {
  const words = question.value.trim();
  if (words === "" && tray.isEmpty) {
    complain(text("needQuestion"));
    question.focus();
    return;
  }
  complain("");
  question.value = "";
  fitQuestion();
  send(words, words.startsWith("/") ? [] : tray.take()); // commands are about no photo
  question.focus();
}

find("#composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});

question.addEventListener("keydown", (event) => {
  // While an input method composes, Enter chooses a word (229: browsers that forget to say so).
  if (event.isComposing || event.keyCode === 229) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    submit();
  }
});
question.addEventListener("input", fitQuestion);

stop.addEventListener("click", () => {
  send("/stop");
  question.focus();
});

find("#new").addEventListener("click", async () => {
  complain("");
  talk.showsAll = false;
  await send("/new");
  question.focus();
});

for (const example of document.querySelectorAll("#examples button")) {
  example.addEventListener("click", () => {
    question.value = example.textContent;
    fitQuestion();
    question.focus();
  });
}

// --- photos

for (const button of [find("#choose"), find("#chooseFirst")]) {
  button.addEventListener("click", () => find("#files").click());
}

find("#files").addEventListener("change", (event) => {
  addPhotos(event.target.files);
  event.target.value = ""; // so that the same photo can be chosen again
});

addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length === 0) return;
  event.preventDefault();
  addPhotos(files);
});

let dragDepth = 0; // enter and leave come for every element on the way

function onDrag(change) {
  return (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    dragDepth = change === 0 ? 0 : dragDepth + change;
    find("#drop").hidden = dragDepth === 0;
  };
}

addEventListener("dragenter", onDrag(1));
addEventListener("dragleave", onDrag(-1));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  onDrag(0)(event);
  if (event.dataTransfer.files.length > 0) addPhotos(event.dataTransfer.files);
});

function addPhotos(files) {
  complain("");
  tray.add(files);
  question.focus();
}

function openPhoto(address, label) {
  const viewer = find("#viewer");
  viewer.querySelector("img").src = address;
  viewer.querySelector("img").alt = label;
  viewer.showModal();
}

find("#viewer").addEventListener("click", (event) => {
  if (event.target === event.currentTarget) event.currentTarget.close();
});

// --- what people see and hear

function refresh() {
  const isEmpty = talk.isEmpty && talk.unsent.size === 0;
  find("#empty").hidden = !(isEmpty && follower.revision !== null);
  find("#new").disabled = isEmpty;
  stop.hidden = !talk.isBusy;
  question.placeholder = text(
    !tray.isEmpty ? "placeholder" : isEmpty ? "placeholderFirst" : "placeholderMore",
  );
  showFirstPhoto();
}

// With nothing said yet, the first chosen photo takes the place of the invitation.
function showFirstPhoto() {
  const image = find("#firstPhoto");
  const address = tray.first?.url;
  find("#empty").classList.toggle("has-photo", address !== undefined);
  find("#empty h2").textContent = text(address === undefined ? "emptyTitle" : "askTitle");
  if (address === undefined) image.hidden = true;
  else if (image.src !== address) image.src = address;
}

find("#firstPhoto").addEventListener("load", (event) => {
  event.target.hidden = tray.isEmpty;
});
find("#firstPhoto").addEventListener("error", (event) => {
  event.target.hidden = true; // not a photo the browser can show; the program will say what is wrong
});

function announce(message) {
  if (message.side !== "bot") return;
  if (message.final) find("#said").textContent = text("bot") + message.text;
  else if (!talk.messages.has(message.id)) find("#said").textContent = text("writing");
}

function complain(sentence) {
  trouble.hidden = sentence === "";
  trouble.querySelector("p").textContent = sentence;
}

trouble.querySelector("button").addEventListener("click", () => {
  complain("");
  question.focus();
});

function showConnection(isOpen) {
  const banner = find("#banner");
  if (isOpen && !banner.hidden) find("#said").textContent = text("online");
  banner.hidden = isOpen;
  banner.dataset.text = "offline";
  banner.textContent = text("offline");
}

function fitQuestion() {
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
}

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    setLanguage(button.dataset.language);
    relabel();
  });
}

function relabel() {
  fillTexts(document);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", button.dataset.language === currentLanguage());
  }
  complain("");
  talk.relabel();
  tray.render();
}

relabel();
follower.start();
