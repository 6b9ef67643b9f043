// The calls to the program.

import { currentLanguage, text } from "./texts.js";

const RETRY_MS = [500, 1000, 2000, 4000, 8000]; // and then the last one, until it is taken back
const CALL_MS = 30000;

let proof = ""; // that our own page calls; the program tells it to whoever is signed in

export function setProof(told) {
  proof = told;
}

class Refused extends Error {
  constructor(status, { code = "", message, photo = null, seconds = null, signIn = null }) {
    super(message);
    Object.assign(this, { status, code, photo, seconds, signIn });
    // photo: the number of the one that is at fault; seconds: before another try
  }
}

class Unreachable extends Error {
  constructor() {
    super(text("unreachable"));
  }
}

// A name for what is sent. crypto.randomUUID is missing on plain http, where people use it at home.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Is the session over, or another one than this window thinks?
export function isAboutSession(error) {
  return error instanceof Refused && (error.status === 401 || error.code === "unproven");
}

// What the program answers, null where it has nothing to say. Throws Refused, Unreachable.
export async function call(method, path, { query = {}, json, form, ms = CALL_MS, signal } = {}) {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), ms);
  signal?.addEventListener("abort", () => ending.abort());
  const options = { method, signal: ending.signal, headers: {} };
  if (method !== "GET") options.headers["X-CSRF-Token"] = proof;
  if (form) options.body = form;
  if (json) {
    options.body = JSON.stringify(json);
    options.headers["Content-Type"] = "application/json";
  }
  let response;
  let body;
  try {
    response = await fetch(address(path, query), options);
    body = await response.text();
  } catch {
    throw new Unreachable();
  } finally {
    clearTimeout(timer);
  }
  const told = parse(body);
  if (response.ok) return told;
  // A proxy in front answers for the program while that is away.
  if (!told?.error && response.status >= 500) throw new Unreachable();
  const seconds = Number(response.headers.get("Retry-After")) || null;
  const error = told?.error ?? { message: text("unreachable") };
  throw new Refused(response.status, { ...error, seconds: error.seconds ?? seconds, signIn: told?.signIn });
}

export function address(path, query = {}) {
  const wishes = new URLSearchParams({ lang: currentLanguage() });
  for (const [name, value] of Object.entries(query)) {
    if (value !== "" && value !== null && value !== undefined) wishes.set(name, value);
  }
  return `${path}?${wishes}`;
}

// Sends until the program has it: the key lets it know a question that it already has. Throws
// Refused, and what `signal` was ended with.
export async function ask({ key, words, photos, wishes }, { onRetry, onSignedOut, signal }) {
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await call("POST", "/api/ask", { form: formOf({ key, words, photos, wishes }), ms: 120000, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (isAboutSession(error)) await onSignedOut();
      else if (!(error instanceof Unreachable) && error.status !== 503) throw error;
    }
    onRetry();
    await pause(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)], signal);
  }
}

function formOf({ key, words, photos, wishes }) {
  const form = new FormData();
  form.append("key", key);
  form.append("lang", currentLanguage());
  form.append("text", words);
  for (const [name, value] of Object.entries(wishes)) form.append(name, String(value));
  for (const photo of photos) form.append("photos", photo, "photo");
  return form;
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function parse(body) {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
