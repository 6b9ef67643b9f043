// Plans the nodes of an answer from the blocks that the program made of its Markdown. A block or a
// link of another kind than these is shown as its words: nothing is loaded, nothing is run.

import { plan } from "./nodes.js";
import { text } from "./texts.js";

const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const SIDES = new Set(["left", "center", "right"]);
const DEEPEST = 40; // deeper than any answer; beyond that only the words count

// `isWriting`: a caret stands where the next words will come.
export function planAnswer(blocks, isWriting) {
  const plans = blocks.map((block) => planBlock(block, 0));
  if (isWriting) lastPlace(plans).push(plan("span", { class: "caret" }));
  return plans;
}

export function planText(words, isWriting) {
  const line = plan("p", { class: "as-is" }, [words]);
  if (isWriting) line.children.push(plan("span", { class: "caret" }));
  return [line];
}

function planBlock(block, depth) {
  if (depth > DEEPEST) return plan("p", {}, [wordsOf(block)]);
  const inner = (blocks) => blocks.map((one) => planBlock(one, depth + 1));
  switch (block.t) {
    case "p":
      return plan("p", {}, planLine(block.c, depth));
    case "h": // the page has headings of its own above these
      return plan(`h${Math.min(block.level + 2, 6)}`, {}, planLine(block.c, depth));
    case "code":
      return planCode(block);
    case "ul":
      return plan("ul", {}, block.c.map((item) => plan("li", {}, inner(item))));
    case "ol":
      return plan("ol", { start: Number(block.start) || 0 }, block.c.map((item) => plan("li", {}, inner(item))));
    case "quote":
      return plan("blockquote", {}, inner(block.c));
    case "table":
      return planTable(block, depth);
    case "hr":
      return plan("hr");
    default:
      return plan("p", {}, [wordsOf(block)]);
  }
}

// The button is found by its class; one handler of the talk answers for all of them.
function planCode({ lang, text: code }) {
  const copy = plan("button", { type: "button", class: "copy-code quiet", "aria-label": text("copyCode") }, [text("copy")]);
  const head = plan("div", { class: "code-head" }, [plan("span", {}, [lang]), copy]);
  const body = plan("pre", { tabindex: "0", role: "group", "aria-label": text("code") }, [plan("code", {}, [code])]);
  return plan("div", { class: "code" }, [head, body]);
}

function planTable({ align, head, rows }, depth) {
  const cell = (tag) => (line, column) => {
    const side = SIDES.has(align?.[column]) ? { class: align[column] } : {};
    return plan(tag, tag === "th" ? { scope: "col", ...side } : side, planLine(line, depth));
  };
  const body = rows.map((row) => plan("tr", {}, row.map(cell("td"))));
  const table = plan("table", {}, [
    plan("thead", {}, [plan("tr", {}, head.map(cell("th")))]),
    plan("tbody", {}, body),
  ]);
  return plan("div", { class: "table", tabindex: "0", role: "group", "aria-label": text("table") }, [table]);
}

function planLine(pieces, depth) {
  return pieces.map((piece) => planInline(piece, depth + 1));
}

function planInline(piece, depth) {
  if (depth > DEEPEST) return wordsOf(piece);
  switch (piece.t) {
    case "text":
      return String(piece.text);
    case "code":
      return plan("code", {}, [String(piece.text)]);
    case "br":
      return plan("br");
    case "strong":
    case "em":
    case "del":
      return plan(piece.t, {}, planLine(piece.c, depth));
    case "link":
      return planLink(piece, depth);
    default:
      return wordsOf(piece);
  }
}

// People see where a link leads before they press it: its words could say anything.
function planLink({ href, c }, depth) {
  const words = planLine(c, depth);
  const place = placeOf(href);
  if (place === null) return plan("span", {}, words);
  const link = plan("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", title: href }, words);
  if (isAddress(wordsOf({ c }), href, place)) return link;
  return plan("span", {}, [link, plan("span", { class: "where" }, [` (${place})`])]);
}

// Words that are nothing but the address; any others could name one place and lead to another.
function isAddress(words, href, place) {
  return words === place || (words === href && new URL(href).username === "");
}

function placeOf(href) {
  let address;
  try {
    address = new URL(href);
  } catch {
    return null;
  }
  if (!SCHEMES.has(address.protocol)) return null;
  return address.protocol === "mailto:" ? address.pathname : address.host;
}

function wordsOf(piece) {
  if (typeof piece?.text === "string") return piece.text;
  return Array.isArray(piece?.c) ? piece.c.flat().map(wordsOf).join("") : "";
}

const HOLD_WORDS = new Set(["p", "li", "ul", "ol", "blockquote", "h3", "h4", "h5", "h6"]);

function lastPlace(plans) {
  const last = plans.at(-1);
  return HOLD_WORDS.has(last?.tag) ? lastPlace(last.children) : plans;
}
