// The ways of photos into the page: chosen, taken, dropped, pasted.

const find = (selector) => document.querySelector(selector);

// `isWanted()`: false while another view than the talk is shown.
export function letPhotosIn(onFiles, isWanted) {
  letChoose(find("#files"), [find("#choose"), find("#chooseFirst")], onFiles);
  letChoose(find("#shot"), [find("#camera"), find("#cameraFirst")], onFiles);
  letPaste(onFiles, isWanted);
  letDrop(onFiles, isWanted);
}

function letChoose(input, openers, onFiles) {
  for (const opener of openers) opener.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    onFiles(input.files);
    input.value = ""; // so that the same photo can be chosen again
  });
}

function letPaste(onFiles, isWanted) {
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0 || !isWanted()) return;
    event.preventDefault();
    onFiles(files);
  });
}

function letDrop(onFiles, isWanted) {
  let depth = 0; // enter and leave come for every element on the way
  const onDrag = (change) => (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    depth = change === 0 ? 0 : depth + change;
    find("#drop").hidden = depth === 0 || !isWanted();
  };
  addEventListener("dragenter", onDrag(1));
  addEventListener("dragleave", onDrag(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    onDrag(0)(event);
    event.preventDefault(); // or the browser would leave the page for what was dropped beside it
    if (event.dataTransfer.files.length > 0 && isWanted()) onFiles(event.dataTransfer.files);
  });
}
