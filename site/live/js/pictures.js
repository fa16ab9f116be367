// Pictures from files: checked, turned upright as their EXIF data says, and reduced if they are very large.

const LARGEST_FILE = 80e6; // bytes
const MOST_PIXELS = 120e6;
const LEAST_SIDE = 32; // pixels
const KEPT_SIDE = 2048; // longer side of what is kept in memory

/** Decode a file, or throw an error whose message is one sentence for the visitor. Returns {bitmap, width, height}. */
export async function decode(file) {
  const name = file.name || "This file";
  if (file.size > LARGEST_FILE)
    throw new Error(`${name} has ${Math.round(file.size / 1e6)} MB, and ${LARGEST_FILE / 1e6} MB is the most that is opened here; save a smaller copy and use that.`);
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = address;
    await loaded(image, name, file);
    const { naturalWidth: width, naturalHeight: height } = image; // of the upright picture
    check(name, width, height);
    return await bitmapOf(image, file, width, height, name);
  } finally {
    URL.revokeObjectURL(address);
  }
}

function loaded(image, name, file) {
  return new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = async () => reject(new Error(await why(name, file)));
  });
}

/** What is wrong with a file that the browser cannot read as a picture. */
async function why(name, file) {
  const start = new Uint8Array(await file.slice(0, 32).arrayBuffer());
  const brand = String.fromCharCode(...start.subarray(4, 12));
  if (file.size === 0) return `${name} is empty; choose another picture.`;
  if (/^ftyp(hei|hev|mif1|msf1)/.test(brand) || /\.hei[cf]$/i.test(name))
    return `${name} is a HEIC photograph, which this browser cannot open; save it as JPEG and use that.`;
  return `${name} is not a picture that this browser can open, or it is damaged; use a JPEG, PNG or WebP file.`;
}

function check(name, width, height) {
  const size = `${name} is ${width} × ${height} pixels`;
  if (width * height > MOST_PIXELS) throw new Error(`${size}, which is too large to open here; save a smaller copy and use that.`);
  if (Math.min(width, height) < LEAST_SIDE)
    throw new Error(`${size}, which is too small; the shorter side must have at least ${LEAST_SIDE} pixels.`);
  if (Math.max(width, height) > 4 * Math.min(width, height))
    throw new Error(`${size}, which is too long and narrow; cut it to at most four times as long as it is wide.`);
}

async function bitmapOf(image, file, width, height, name) {
  const scale = Math.min(1, KEPT_SIDE / Math.max(width, height));
  const options = { imageOrientation: "from-image", colorSpaceConversion: "default" };
  if (scale < 1)
    Object.assign(options, {
      resizeWidth: Math.round(width * scale),
      resizeHeight: Math.round(height * scale),
      resizeQuality: "high",
    });
  try {
    const bitmap = await createImageBitmap(isVector(file) ? image : file, options);
    return { bitmap, width: bitmap.width, height: bitmap.height };
  } catch {
    throw new Error(`${name} is damaged, or too large for this device's memory; use another copy.`);
  }
}

function isVector(file) {
  return file.type === "image/svg+xml"; // which createImageBitmap takes from an element only
}

/** The planes of a decoded picture, transparent pixels blended with white. */
export function planesOf(bitmap) {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const planes = new Float32Array(3 * width * height);
  for (let i = 0; i < width * height; i++)
    for (let colour = 0; colour < 3; colour++) planes[colour * width * height + i] = data[4 * i + colour] / 255;
  return { planes, width, height };
}

/** The SHA-256 of a file in hexadecimal; null where the browser does not offer it, as on plain http. */
export async function sha256(file) {
  if (!crypto.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
