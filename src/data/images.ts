/** Image files in Node: decoded by sharp, then cropped and resized by our own arithmetic (resample.ts). */
import { join } from "node:path";
import sharp from "sharp";
import type { ImageSet } from "./dataset.js";
import { DataError } from "./errors.js";
import { listFiles, readBytes } from "./files.js";
import { centreSquare, checkSize, type Pixels, resample, stackImages, toGrey, toRgb, unitValues } from "./resample.js";

/** Size and channels that a reader of images should deliver. */
export interface ImageOptions {
  readonly height: number;
  readonly width: number;
  /** 3 = RGB, 1 = grey. Default 3. */
  readonly channels?: 1 | 3;
  /** At most so many images, the first by name. Default all. */
  readonly limit?: number;
}

/** Images from a folder, with their file names in the same order. */
export interface NamedImages {
  readonly images: ImageSet;
  readonly names: readonly string[];
}

const EXTENSION = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;

/** Whether a file name looks like an image this package decodes. */
export function isImageName(name: string): boolean {
  return EXTENSION.test(name);
}

/**
 * Decodes a JPEG, PNG, WebP, GIF, TIFF or AVIF file: turned as its EXIF says, colours as sRGB, transparency over white.
 *
 * @param channels - 3 = RGB (grey is repeated), 1 = grey (colour by BT.601 weights). Default 3.
 * @returns `[height, width, channels]` in [0, 1].
 * @throws {DataError} when the file is missing or no readable image.
 */
export async function loadImage(path: string, channels: 1 | 3 = 3): Promise<Pixels> {
  const bytes = await readBytes(path);
  await checkDepth(bytes, path);
  const { data, info } = await decode(bytes).catch((error: unknown) => {
    throw unreadableImage(path, error);
  });
  const values = unitValues(data);
  const { width, height } = info;
  if (info.channels === channels) return { height, width, channels, pixels: values };
  const rgb = info.channels === 3 ? values : toRgb(values);
  return { height, width, channels, pixels: channels === 3 ? rgb : toGrey(rgb) };
}

/** The error for bytes that are no image. */
export function unreadableImage(path: string, error: unknown): DataError {
  const text = error instanceof Error ? error.message : String(error);
  const reason = text.split("\n").find((line) => line.trim() !== "") ?? "damaged";
  return new DataError(
    `${path}: not a readable image (${reason.trim()})`,
    "Replace the file or remove it from the folder.",
  );
}

/** TIFF files may hold any numbers; what is no 8- or 16-bit picture has no range that is known, and would come out black. */
async function checkDepth(bytes: Uint8Array, path: string): Promise<void> {
  if (bytes[0] !== bytes[1] || (bytes[0] !== 0x49 && bytes[0] !== 0x4d)) return;
  const { depth } = await sharp(bytes)
    .metadata()
    .catch((error: unknown) => {
      throw unreadableImage(path, error);
    });
  if (depth === "uchar" || depth === "ushort") return;
  throw new DataError(`${path}: its pixels are of type ${depth}`, "Save it with 8 or 16 bits a channel.");
}

async function decode(bytes: Uint8Array) {
  return sharp(bytes, { failOn: "error" })
    .rotate()
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
}

/**
 * One image file, cropped to the shape asked for (the largest centred part of that aspect; a square for equal sides) and resized.
 *
 * @throws {DataError} as {@link loadImage}, and when a size is not a whole number from 1 to 8192.
 */
export async function loadImageAt(path: string, options: ImageOptions): Promise<Pixels> {
  const { height, width, channels = 3 } = options;
  checkSize("height", height);
  checkSize("width", width);
  const image = await loadImage(path, channels);
  return resample(image, height, width, centredPart(image, height / width));
}

function centredPart(image: Pixels, aspect: number) {
  if (aspect === 1) return centreSquare(image);
  const width = Math.min(image.width, image.height / aspect);
  const height = width * aspect;
  return { x: (image.width - width) / 2, y: (image.height - height) / 2, width, height };
}

/**
 * The images of a folder, sorted by name, each as by {@link loadImageAt}. Files with other extensions are passed over.
 *
 * @throws {DataError} when there is no such folder, it holds no image, or one of them is unreadable (named).
 */
export async function loadImageFolder(folder: string, options: ImageOptions): Promise<NamedImages> {
  checkSize("height", options.height);
  checkSize("width", options.width);
  const all = (await listFiles(folder)).filter(isImageName);
  const names = all.slice(0, options.limit ?? all.length);
  if (names.length === 0) {
    throw new DataError(`${folder}: no image in this folder`, "Put JPEG, PNG, WebP, GIF, TIFF or AVIF files into it.");
  }
  return { images: await loadImageFiles(folder, names, options), names };
}

/** Some files of a folder, in that order, each as by {@link loadImageAt}. */
export async function loadImageFiles(
  folder: string,
  names: readonly string[],
  options: ImageOptions,
): Promise<ImageSet> {
  const images: Pixels[] = [];
  // One at a time: decoded photographs are large, and only their small versions are kept.
  for (const name of names) images.push(await loadImageAt(join(folder, name), options));
  return stackImages(images);
}
