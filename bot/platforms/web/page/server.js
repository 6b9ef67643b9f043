// The calls to the program: asking, and following what it answers.

import { currentLanguage, text } from "./texts.js";

const RETRY_MS = [500, 1000, 2000, 4000, 8000];
const RECONNECT_MS = [300, 1000, 2000, 4000, 8000];
const SAY_OFFLINE_AFTER_MS = 1500;
const HIDDEN_MS = 30000; // browsers allow six connections to a host: hidden windows give theirs back

export class Refused extends Error {
  constructor({ message, photo = null }) {
    super(message);
    this.photo = photo; // the number of the one that is at fault, if it is one
  }
}

// A name for what is sent. crypto.randomUUID is missing on plain http, where people use it at home.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Sends until the program has it: the key lets it know a question it already has.
export async function ask({ key, question, photos }, onRetry = () => {}) {
  for (let attempt = 1; ; attempt += 1) {
    const waitMs = RETRY_MS[attempt - 1];
    try {
      const response = await post({ key, question, photos });
      if (response.ok) return await response.json();
      const refusal = await fault(response);
      if (response.status !== 503 || waitMs === undefined) throw new Refused(refusal);
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (waitMs === undefined) throw new Refused({ message: text("unreachable") });
    }
    onRetry();
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

function post({ key, question, photos }) {
  const form = new FormData();
  form.append("key", key);
  form.append("lang", currentLanguage());
  form.append("text", question);
  for (const photo of photos) form.append("photos", photo, "photo");
  return fetch(`/api/ask?lang=${currentLanguage()}`, { method: "POST", body: form });
}

async function fault(response) {
  try {
    const { message, photo } = (await response.json()).error;
    return { message, photo };
  } catch {
    return { message: text("unreachable") };
  }
}

// Keeps one event stream open and says so when it is not.
export class Follower {
  constructor({ onMessages, onMessage, onConnection }) {
    this.onMessages = onMessages;
    this.onMessage = onMessage;
    this.onConnection = onConnection;
    this.revision = null;
    this.source = null;
    this.failures = 0;
    this.timer = null;
    this.offlineTimer = null;
    addEventListener("online", () => this.restart());
    document.addEventListener("visibilitychange", () => this.#onVisibility());
  }

  // The first call gives this browser its cookie, so nothing else may be asked before it.
  async start() {
    try {
      const response = await fetch(`/api/messages?lang=${currentLanguage()}`);
      if (!response.ok) throw new Refused(await fault(response));
      const { revision, messages } = await response.json();
      this.revision = revision;
      this.onMessages(messages);
      this.#listen();
    } catch {
      this.#failed();
    }
  }

  restart() {
    this.#drop();
    clearTimeout(this.timer);
    this.timer = null;
    // After two failures begin anew: the program may have forgotten us, or the cookie is gone.
    if (this.revision === null || this.failures > 1) this.start();
    else this.#listen();
  }

  #listen() {
    this.#drop();
    const source = new EventSource(`/api/events?after=${this.revision}`);
    source.addEventListener("open", () => this.#connected());
    source.addEventListener("error", () => this.#failed());
    source.addEventListener("snapshot", (event) => {
      this.revision = Number(event.lastEventId);
      this.onMessages(JSON.parse(event.data).messages);
    });
    source.addEventListener("message", (event) => {
      this.revision = Number(event.lastEventId);
      this.onMessage(JSON.parse(event.data));
    });
    this.source = source;
  }

  #connected() {
    this.failures = 0;
    clearTimeout(this.offlineTimer);
    this.offlineTimer = null;
    this.onConnection(true);
  }

  #failed() {
    this.#drop();
    this.offlineTimer ??= setTimeout(() => this.onConnection(false), SAY_OFFLINE_AFTER_MS);
    const waitMs = RECONNECT_MS[Math.min(this.failures, RECONNECT_MS.length - 1)];
    this.failures += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.restart(), waitMs * (0.8 + 0.4 * Math.random()));
  }

  #onVisibility() {
    clearTimeout(this.hiddenTimer);
    if (document.hidden) this.hiddenTimer = setTimeout(() => this.#drop(), HIDDEN_MS);
    else if (this.source === null) this.restart();
  }

  #drop() {
    this.source?.close();
    this.source = null;
  }
}
