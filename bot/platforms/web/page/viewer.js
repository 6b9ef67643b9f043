// A photo alone, as large as the window lets it be.

const viewer = document.querySelector("#viewer");

viewer.addEventListener("click", (event) => {
  if (event.target === viewer) viewer.close();
});

export function openPhoto(address, label) {
  const image = viewer.querySelector("img");
  image.src = address;
  image.alt = label;
  viewer.showModal();
}
