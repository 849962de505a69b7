/** Images of a set as files. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import type { ImageSet } from "../data/dataset.js";
import { writeWhole } from "./write-whole.js";

/** Image `index` as an encoder takes it: bytes, values outside [0, 1] clipped. */
export function imageBytes({ height, width, channels, pixels }: ImageSet, index: number) {
  const size = height * width * channels;
  const bytes = Uint8Array.from(pixels.subarray(index * size, (index + 1) * size), (value) =>
    Math.round(255 * Math.min(1, Math.max(0, value))),
  );
  return sharp(bytes, { raw: { width, height, channels: channels === 1 ? 1 : 3 } });
}

/** File names of `count` images, numbered from 1 with leading zeros: `01.png`. */
export function imageFileNames(count: number): string[] {
  const digits = String(count).length;
  return Array.from({ length: count }, (_, i) => `${String(i + 1).padStart(digits, "0")}.png`);
}

/** Writes every image of a set as PNG, numbered from 1, into a folder that is made where it is missing. */
export async function writeImages(images: ImageSet, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [i, name] of imageFileNames(images.count).entries()) {
    await writeWhole(join(folder, name), await imageBytes(images, i).png().toBuffer());
  }
}
