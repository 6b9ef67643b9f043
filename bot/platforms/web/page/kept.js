// What this browser remembers. Storage may be forbidden; then it lasts until the page is closed.

const PREFIX = "visionbot.";
const instead = new Map();

export function keep(name, value, storage = localStore()) {
  instead.set(name, value);
  try {
    if (value === null) storage.removeItem(PREFIX + name);
    else storage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // `instead` has it
  }
}

// null: nothing is kept, or nothing we could make sense of.
export function recall(name, storage = localStore()) {
  try {
    const kept = storage.getItem(PREFIX + name);
    return kept === null ? null : JSON.parse(kept);
  } catch {
    return instead.get(name) ?? null;
  }
}

// Calls `act` when another window of this browser keeps something of that name.
export function whenKeptElsewhere(name, act) {
  addEventListener("storage", ({ key, newValue }) => {
    if (key === PREFIX + name && newValue !== null) act();
  });
}

function localStore() {
  return storeOf("localStorage");
}

// Lasts as long as the tab.
export function tabStore() {
  return storeOf("sessionStorage");
}

function storeOf(name) {
  try {
    return window[name];
  } catch {
    return null;
  }
}
