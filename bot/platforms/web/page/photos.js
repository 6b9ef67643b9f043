// The photos chosen for the next question: made small enough, shown, removable.

import { text } from "./texts.js";

export const MOST_PHOTOS = 8;
const LONGEST_SIDE = 2048;
const KEEP_AS_IS = new Set(["image/jpeg", "image/png", "image/webp"]);
const SMALL_BYTES = 4 * 1024 * 1024;

export class Tray {
  constructor(list, { onChange, onTrouble }) {
    this.list = list;
    this.onChange = onChange;
    this.onTrouble = onTrouble;
    this.photos = []; // { url, ready: Promise<Blob> }
  }

  get first() {
    return this.photos[0];
  }

  get isEmpty() {
    return this.photos.length === 0;
  }

  add(files) {
    const pictures = [...files].filter((file) => file.type.startsWith("image/") || file.type === "");
    if (pictures.length < files.length) this.onTrouble(text("notPictures"));
    for (const file of pictures) {
      if (this.photos.length >= MOST_PHOTOS) {
        this.onTrouble(text("tooManyPhotos", { limit: MOST_PHOTOS }));
        break;
      }
      this.photos.push({ url: URL.createObjectURL(file), ready: shrink(file) });
    }
    this.render();
  }

  // Hands the photos over: the caller shows them and revokes their addresses.
  take() {
    const taken = this.photos;
    this.photos = [];
    this.render();
    return taken;
  }

  giveBack(photos) {
    this.photos = [...photos, ...this.photos].slice(0, MOST_PHOTOS);
    this.render();
  }

  render() {
    this.list.replaceChildren(...this.photos.map((photo, index) => this.#thumbnail(photo, index + 1)));
    this.list.hidden = this.isEmpty;
    this.onChange();
  }

  #thumbnail(photo, number) {
    const item = document.createElement("li");
    const image = document.createElement("img");
    image.src = photo.url;
    image.alt = text("photoNumber", { number });
    image.addEventListener("error", () => image.replaceWith(unreadable(image.alt)));
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "round";
    remove.title = text("removePhoto", { number });
    remove.setAttribute("aria-label", remove.title);
    remove.append(icon("cross"));
    remove.addEventListener("click", () => this.#remove(photo));
    item.append(image, remove);
    return item;
  }

  #remove(photo) {
    const index = this.photos.indexOf(photo);
    this.photos.splice(index, 1);
    URL.revokeObjectURL(photo.url);
    this.render();
    const buttons = this.list.querySelectorAll("button");
    (buttons[Math.min(index, buttons.length - 1)] ?? document.querySelector("#question")).focus();
  }
}

// What stands in the place of a photo that this browser cannot show.
export function unreadable(label) {
  const tile = document.createElement("span");
  tile.className = "unreadable";
  const words = document.createElement("span");
  words.textContent = label;
  tile.append(icon("broken"), words);
  return tile;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

// A photo the browser cannot read goes as it is: the program says in a sentence what is wrong.
async function shrink(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  if (scale === 1 && KEEP_AS_IS.has(file.type) && file.size <= SMALL_BYTES) {
    picture.close();
    return file;
  }
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // JPEG has no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((resolve) => {
    canvas.toBlob((blob) => resolve(blob ?? file), "image/jpeg", 0.9);
  });
}
