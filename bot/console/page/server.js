// The calls to the program.

import { currentLanguage, text } from "./texts.js";

const DOUBLE_MS = 1000;
const CALL_MS = 10000;

let csrf = "";
let click = { line: "", id: "", at: 0 };

export class Refused extends Error {
  constructor({ code, message }, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

// Comes in with the code of a link, or as whom the sign-in before the page knows.
export async function enter(code) {
  const visitor = await call("enter", { body: { code } });
  csrf = visitor.csrf;
  return visitor;
}

export const leave = () => call("leave", { body: {} });
export const readState = (run, after) => call("state", { query: { run, after } });
export const readPeople = (words, after) => call("people", { query: { words, after } });
export const readAudit = () => call("audit");

// The click has a name: sent again after a lost answer, it is carried out once all the same. The
// second half of a double click is the same click.
export async function give(command, words) {
  const line = `${command} ${words}`;
  if (line !== click.line || Date.now() - click.at > DOUBLE_MS) click = { line, id: newName(), at: Date.now() };
  const body = { id: click.id, command, words };
  try {
    return await call("order", { body });
  } catch (error) {
    if (error instanceof Refused) throw error;
    return await call("order", { body });
  }
}

async function call(name, { body, query = {} } = {}) {
  const address = `/admin/api/${name}?${new URLSearchParams({ ...query, lang: currentLanguage() })}`;
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify(body),
  };
  // A machine that has gone silent would leave old numbers standing as if they were new.
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), CALL_MS);
  try {
    const response = await fetch(address, { ...options, signal: ending.signal });
    if (response.ok) return response.status === 204 ? null : await response.json();
    throw new Refused(await reason(response), response.status);
  } catch (error) {
    throw error instanceof Refused ? error : new Error(text("lost"));
  } finally {
    clearTimeout(timer);
  }
}

async function reason(response) {
  try {
    return (await response.json()).error;
  } catch {
    return { code: "", message: text("trouble", { status: response.status }) };
  }
}

// crypto.randomUUID is missing on plain http.
function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
