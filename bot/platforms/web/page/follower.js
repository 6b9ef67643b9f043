// Follows what the program answers: keeps one event stream open and says so when it is not.

import { call } from "./server.js";

const RECONNECT_MS = [300, 1000, 2000, 4000, 8000];
const SAY_OFFLINE_AFTER_MS = 1500;
const HIDDEN_MS = 30000; // browsers allow six connections to a host: hidden windows give theirs back

export class Follower {
  constructor({ onMessages, onMessage, onConnection, onSignedOut }) {
    Object.assign(this, { onMessages, onMessage, onConnection, onSignedOut });
    this.revision = null;
    this.source = null;
    this.failures = 0;
    this.timer = null;
    this.offlineTimer = null;
    this.isPaused = true; // before the start, and while nobody is signed in
    addEventListener("online", () => this.restart());
    document.addEventListener("visibilitychange", () => this.#onVisibility());
  }

  async start() {
    this.isPaused = false;
    try {
      const { revision, messages } = await call("GET", "/api/messages");
      if (this.isPaused) return;
      this.revision = revision;
      this.onMessages(messages);
      this.#listen();
    } catch (error) {
      if (error.status === 401) this.#signedOut();
      else this.#failed();
    }
  }

  stop() {
    this.isPaused = true;
    clearTimeout(this.timer);
    clearTimeout(this.offlineTimer);
    this.offlineTimer = null;
    this.#drop();
  }

  restart() {
    if (this.isPaused) return;
    this.#drop();
    clearTimeout(this.timer);
    // After two failures begin anew: the program may have forgotten us, or the session is over.
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
    if (this.isPaused) return;
    this.offlineTimer ??= setTimeout(() => this.onConnection(false), SAY_OFFLINE_AFTER_MS);
    const waitMs = RECONNECT_MS[Math.min(this.failures, RECONNECT_MS.length - 1)];
    this.failures += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.restart(), waitMs * (0.8 + 0.4 * Math.random()));
  }

  #signedOut() {
    this.stop();
    this.onConnection(true); // it is there, it only does not know us
    this.onSignedOut();
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
