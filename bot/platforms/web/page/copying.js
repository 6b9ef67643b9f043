// Copies words, also on plain http, where browsers have no clipboard for a page.

import { announce } from "./voice.js";
import { text } from "./texts.js";

const SHOWN_MS = 1600;

// `pressed`: the button, which says for a moment that it is done.
export async function copy(words, pressed) {
  const isDone = (await byClipboard(words)) || byCommand(words, pressed);
  announce(text(isDone ? "copied" : "notCopied"));
  if (!isDone) return;
  pressed.classList.add("done");
  setTimeout(() => pressed.classList.remove("done"), SHOWN_MS);
}

// Where a code's own button was pressed.
export function copyCode({ target }) {
  const pressed = target.closest(".copy-code");
  if (pressed) copy(pressed.closest(".code").querySelector("code").textContent, pressed);
}

async function byClipboard(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    return false;
  }
}

function byCommand(words, pressed) {
  const box = document.createElement("textarea");
  box.value = words;
  box.className = "unseen";
  document.body.append(box);
  box.select();
  const isDone = document.execCommand("copy");
  box.remove();
  pressed.focus();
  return isDone;
}
