// Who is here: signing in and out. What was being written stays where it is meanwhile.

import { keep, whenKeptElsewhere } from "./kept.js";
import { call, isAboutSession, setProof } from "./server.js";
import { text } from "./texts.js";

const find = (selector) => document.querySelector(selector);
const LEFT = "left"; // when this browser signed out last
const TICK_MS = 1000;
const AGAIN_MS = 2000;

export class Session {
  // `onSignedIn(me)`: somebody is; `onSignedOut()`: the sign-in view is to be shown; `onAway(error)`:
  // the program does not say; `onLeaving()`: what this window kept of the person is to be forgotten.
  constructor({ onSignedIn, onSignedOut, onAway, onLeaving }) {
    Object.assign(this, { onSignedIn, onSignedOut, onAway, onLeaving });
    this.starting = null;
    this.me = null;
    this.waiting = []; // who waits until somebody is signed in
    this.lockedUntil = 0;
    this.timer = null;
    find("#signInForm").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#signIn();
    });
    find("#retryMe").addEventListener("click", () => this.start());
    this.#letSignOut();
    this.#letForget();
  }

  // Asks who this browser is, until the program answers.
  start() {
    this.starting ??= this.#start().finally(() => {
      this.starting = null;
    });
    return this.starting;
  }

  // For when the program has told who this browser is: what is asked before that would be refused.
  // null: it has.
  known() {
    return this.me === null ? this.signedIn() : null;
  }

  // For calls that were refused because the session is over: returns when somebody is signed in.
  signedIn() {
    const again = new Promise((resolve) => this.waiting.push(resolve));
    this.start();
    return again;
  }

  // A call of somebody who is signed in: it waits for that where the session is over.
  async call(method, path, options) {
    try {
      return await call(method, path, options);
    } catch (error) {
      if (!isAboutSession(error)) throw error;
    }
    await this.signedIn();
    return call(method, path, options);
  }

  async #start() {
    for (;;) {
      try {
        this.#welcome(await call("GET", "/api/me"));
        return;
      } catch (error) {
        if (error.status === 401) {
          this.#askFor(error);
          return;
        }
        this.onAway(error);
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  #welcome(me) {
    // By code a browser is the same person as before, whatever its name is now; a proxy's name is
    // that of somebody, and the talk and the question of another have no business here.
    if (me.signIn === "header" && this.me !== null && this.me.name !== me.name) {
      this.#leave();
      return;
    }
    this.me = me;
    setProof(me.csrf);
    this.onSignedIn(me);
    clearInterval(this.timer);
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  #askFor({ signIn, message }) {
    const isByCode = signIn !== "header";
    find("#signInForm").hidden = !isByCode;
    find("#byProxy").hidden = isByCode;
    find("#byProxyText").textContent = message;
    this.onSignedOut();
    if (isByCode) find("#code").focus();
  }

  async #signIn() {
    const box = find("#code");
    const code = box.value.trim();
    if (code === "" || this.lockedUntil > Date.now()) {
      box.focus();
      return;
    }
    find("#signInButton").disabled = true;
    try {
      await call("POST", "/api/sign-in", { json: { code } });
      box.value = "";
      this.#complain("");
      await this.start();
    } catch (error) {
      this.#complain(error.message);
      if (error.status === 429 && error.seconds) this.#lock(error.seconds);
      box.select();
    }
    find("#signInButton").disabled = this.lockedUntil > Date.now();
  }

  #lock(seconds) {
    this.lockedUntil = Date.now() + seconds * 1000;
    clearInterval(this.timer);
    this.timer = setInterval(() => this.#countDown(), TICK_MS);
    this.#countDown();
  }

  #countDown() {
    const seconds = Math.ceil((this.lockedUntil - Date.now()) / 1000);
    find("#signInButton").textContent = seconds > 0 ? text("locked", { seconds }) : text("signIn");
    find("#signInButton").disabled = seconds > 0;
    if (seconds > 0) return;
    clearInterval(this.timer);
    this.#complain("");
  }

  // Asks first: each sign-in with the code is a new person, who does not find this history again.
  #letSignOut() {
    const dialog = find("#confirmLeave");
    find("#signOut").addEventListener("click", () => dialog.showModal());
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "leave") this.#signOut();
      dialog.returnValue = "";
    });
    whenKeptElsewhere(LEFT, () => this.#leave()); // what was written there is nobody else's either
  }

  // Whoever comes back is somebody new: the program gives this browser another name.
  #letForget() {
    const dialog = find("#confirmForget");
    find("#forgetMe").addEventListener("click", () => dialog.showModal());
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "forget") this.#end("DELETE", "/api/me");
      dialog.returnValue = "";
    });
  }

  #signOut() {
    return this.#end("POST", "/api/sign-out");
  }

  async #end(method, path) {
    try {
      await call(method, path);
    } catch (error) {
      if (!isAboutSession(error)) {
        this.onAway(error);
        return;
      }
    }
    keep(LEFT, Date.now());
    this.#leave();
  }

  #leave() {
    this.onLeaving();
    location.reload();
  }

  #complain(sentence) {
    find("#signInTrouble").textContent = sentence;
    find("#code").setAttribute("aria-invalid", String(sentence !== ""));
  }
}
