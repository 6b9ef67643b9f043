// Makes photos small before they travel: upright, the longest side at most what the model sees.

const LONGEST_SIDE = 1024;
const KEEP_AS_IS = new Set(["image/jpeg", "image/png", "image/webp"]);
const SMALL_BYTES = 2 * 1024 * 1024;
const QUALITY = 0.9;

// A photo the browser cannot read goes as it is: the program says in a sentence what is wrong.
export async function shrink(file) {
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
    canvas.toBlob((blob) => resolve(blob ?? file), "image/jpeg", QUALITY);
  });
}
