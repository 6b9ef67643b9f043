// Making elements: text is always text, so nothing that people wrote can become markup.

const SVG = "http://www.w3.org/2000/svg";

// An element with its attributes; `on...` are listeners, false and null leave an attribute out.
export function node(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

// Names for elements that point at each other.
let made = 0;
export function newId(what) {
  made += 1;
  return `${what}-${made}`;
}

// A part of the page under its own heading; `more` stands beside that.
export function card(title, content, { kind = "", more = null } = {}) {
  const id = newId("card");
  return node("section", { class: `card ${kind}`, "aria-labelledby": id },
    node("div", { class: "head" }, node("h2", { id }, title), more), content);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}
