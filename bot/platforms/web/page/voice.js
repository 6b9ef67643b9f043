// What screen readers say: one thing at a time, and nothing while an answer is being written.

const said = document.querySelector("#said");

export function announce(words) {
  said.textContent = words;
}
