// The photos chosen for the next question: shown, put in order, removable. And photos as shown.

import { button, element, icon } from "./nodes.js";
import { shrink } from "./shrink.js";
import { text } from "./texts.js";
import { announce } from "./voice.js";

export class Tray {
  constructor(list, { most, onChange, onTrouble }) {
    Object.assign(this, { list, most, onChange, onTrouble });
    this.photos = []; // { url, ready: Promise<Blob> }
    this.dragged = null;
  }

  get first() {
    return this.photos[0];
  }

  get isEmpty() {
    return this.photos.length === 0;
  }

  add(files) {
    const chosen = [...files].filter((file) => file.type.startsWith("image/") || file.type === "");
    if (chosen.length < files.length) this.onTrouble(text("notPictures"));
    for (const file of chosen) {
      if (this.photos.length >= this.most) {
        this.onTrouble(text("tooManyPhotos", { limit: this.most }));
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
    this.photos = [...photos, ...this.photos].slice(0, this.most);
    this.render();
  }

  render() {
    this.list.replaceChildren(...this.photos.map((photo, index) => this.#thumbnail(photo, index + 1)));
    this.list.hidden = this.isEmpty;
    this.onChange();
  }

  #thumbnail(photo, number) {
    const image = element("img", { src: photo.url, alt: text("photoNumber", { number }), draggable: "false" });
    image.addEventListener("error", () => image.replaceWith(unreadable(image.alt)));
    const item = element("li", { draggable: "true" }, image);
    if (this.photos.length > 1) item.append(element("span", { class: "number", "aria-hidden": "true" }, String(number)));
    if (number > 1) {
      const onPress = () => this.#move(photo, number - 2);
      item.append(button(text("movePhoto", { number }), { kind: "round move", picture: "left", onPress }));
    }
    const onPress = () => this.#remove(photo);
    item.append(button(text("removePhoto", { number }), { kind: "round remove", picture: "cross", onPress }));
    this.#letDrag(item, photo, number - 1);
    return item;
  }

  #letDrag(item, photo, index) {
    item.addEventListener("dragstart", (event) => {
      this.dragged = photo;
      event.dataTransfer.effectAllowed = "move";
    });
    item.addEventListener("dragend", () => {
      this.dragged = null;
    });
    item.addEventListener("drop", () => {
      if (this.dragged && this.dragged !== photo) this.#move(this.dragged, index);
    });
  }

  #move(photo, index) {
    this.photos.splice(this.photos.indexOf(photo), 1);
    this.photos.splice(index, 0, photo);
    this.render();
    const item = this.list.children[index];
    (item.querySelector(".move") ?? item.querySelector(".remove")).focus();
    announce(text("photoMoved", { number: index + 1 }));
  }

  #remove(photo) {
    const index = this.photos.indexOf(photo);
    this.photos.splice(index, 1);
    URL.revokeObjectURL(photo.url);
    this.render();
    const buttons = this.list.querySelectorAll(".remove");
    (buttons[Math.min(index, buttons.length - 1)] ?? document.querySelector("#question")).focus();
  }
}

// Photos of a message, each of which can be opened.
export function pictures(addresses, { onOpenPhoto, onLoad = () => {} }) {
  return addresses.map((address, index) => {
    const number = index + 1;
    const image = element("img", { alt: text("photoNumber", { number }) });
    const opener = element("button", { type: "button", "aria-label": text("openPhoto", { number }) }, image);
    image.addEventListener("load", onLoad);
    image.addEventListener("error", () => opener.replaceWith(unreadable(image.alt)));
    image.src = address;
    opener.addEventListener("click", () => onOpenPhoto(address, image.alt));
    return opener;
  });
}

// What stands in the place of a photo that this browser cannot show.
function unreadable(label) {
  return element("span", { class: "unreadable" }, icon("broken"), element("span", {}, label));
}
