// Makes and renews parts of the page. Words only ever go in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

// A plan of a node: { tag, attributes, children }, where a child is a plan or a string.
export function plan(tag, attributes = {}, children = []) {
  return { tag, attributes, children };
}

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

export function button(label, { kind = "quiet", picture = "", words = "", onPress }) {
  const node = element("button", { type: "button", class: kind });
  if (picture) node.append(icon(picture));
  if (words) node.append(element("span", {}, words));
  if (label !== words) {
    node.setAttribute("aria-label", label);
    node.title = label;
  }
  node.addEventListener("click", () => onPress(node));
  return node;
}

// Brings the children of `parent` to what is planned. What is the same stays untouched, so that a
// selection, the focus and the scrolling of what was read already survive the next words.
export function renew(parent, plans) {
  plans.forEach((wanted, index) => {
    const node = parent.childNodes[index];
    if (node && isSame(node, wanted)) update(node, wanted);
    else if (node) node.replaceWith(build(wanted));
    else parent.append(build(wanted));
  });
  while (parent.childNodes.length > plans.length) parent.lastChild.remove();
}

function isSame(node, wanted) {
  if (typeof wanted === "string") return node.nodeType === Node.TEXT_NODE;
  return node.nodeType === Node.ELEMENT_NODE && node.localName === wanted.tag;
}

function update(node, wanted) {
  if (typeof wanted === "string") {
    if (node.data === wanted) return;
    // Added words are added, not put in the place of the old ones: these may be selected.
    if (wanted.startsWith(node.data)) node.appendData(wanted.slice(node.data.length));
    else node.data = wanted;
    return;
  }
  for (const name of node.getAttributeNames()) {
    if (!(name in wanted.attributes)) node.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(wanted.attributes)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
  renew(node, wanted.children);
}

function build(wanted) {
  if (typeof wanted === "string") return document.createTextNode(wanted);
  return element(wanted.tag, wanted.attributes, ...wanted.children.map(build));
}
