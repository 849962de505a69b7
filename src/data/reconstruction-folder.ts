/** Reconstructions that someone else made, as a folder of images, matched with the test images they are of. */
import { join } from "node:path";
import type { ImageSet } from "./dataset.js";
import { DataError } from "./errors.js";
import { listFiles } from "./files.js";
import { isImageName, loadImageAt } from "./images.js";
import { stackImages } from "./resample.js";

/** What a folder holds of a test set. */
export interface FolderReconstructions {
  /** One image for each of `positions`, at the size and channels of the stimuli. */
  readonly images: ImageSet;
  /** Positions among the test images, ascending. */
  readonly positions: readonly number[];
  /** Labels of test images that the folder has no reconstruction of. */
  readonly missing: readonly string[];
  /** Image files that belong to no test image. */
  readonly unmatched: readonly string[];
  readonly matchedBy: "name" | "number";
}

const stem = (name: string) => name.replace(/\.[A-Za-z]\w*$/, "").toLowerCase();

/** The last whole number in a file's name: 7 for `recon_img_S1_VC_Img0007.tiff`. */
function lastNumber(file: string): number | null {
  const numbers = stem(file).match(/\d+/g);
  return numbers === null ? null : Number(numbers.at(-1));
}

/**
 * For each file the position of its test image. By name where any file is called like a label, letter case and extension aside. Else by
 * the last number in the name, 1 being the first test image; where a file is numbered 0, counting starts there.
 */
function match(files: readonly string[], labels: readonly string[]) {
  const byLabel = new Map(labels.map((label, i) => [stem(label), i]));
  if (files.some((file) => byLabel.has(stem(file)))) {
    return { matchedBy: "name" as const, of: (file: string) => byLabel.get(stem(file)) ?? null };
  }
  const first = files.some((file) => lastNumber(file) === 0) ? 0 : 1;
  const of = (file: string) => {
    const number = lastNumber(file);
    return number === null || number < first || number - first >= labels.length ? null : number - first;
  };
  return { matchedBy: "number" as const, of };
}

/**
 * Loads reconstructions of test images from a folder of image files, one a test image, resampled to the size of the stimuli (the largest
 * centred square of files that are not square).
 *
 * Files are matched by name with `labels`; where no file is called like a label, by the last number in their names, which counts the
 * test images in their order from 1 (from 0 where there is a 0).
 *
 * @param labels - Of the test images, in order.
 * @param shape - Height, width and channels of the stimuli.
 * @throws {DataError} when fewer than 2 files match, two files are of one test image, or a file is unreadable.
 */
export async function loadReconstructions(
  folder: string,
  labels: readonly string[],
  shape: { readonly height: number; readonly width: number; readonly channels: 1 | 3 },
): Promise<FolderReconstructions> {
  const files = (await listFiles(folder)).filter(isImageName);
  const { matchedBy, of } = match(files, labels);
  const fileOf = new Map<number, string>();
  for (const file of files) {
    const position = of(file);
    if (position === null) continue;
    const other = fileOf.get(position);
    if (other !== undefined) {
      throw new DataError(
        `${folder}: ${other} and ${file} are both of test image ${position + 1} (${labels[position]})`,
        "Leave one of them in the folder, or name the files by the labels of the test images.",
      );
    }
    fileOf.set(position, file);
  }
  if (fileOf.size < 2) {
    throw new DataError(
      `${folder}: ${fileOf.size} of ${files.length} image files match a test image, at least 2 are needed`,
      `Name them by the test images (${labels.slice(0, 2).join(", ")}, ...) or number them from 1 to ${labels.length}.`,
    );
  }
  const positions = [...fileOf.keys()].sort((a, b) => a - b);
  const images = [];
  for (const position of positions) images.push(await loadImageAt(join(folder, fileOf.get(position) ?? ""), shape));
  return {
    images: stackImages(images),
    positions,
    missing: labels.filter((_, i) => !fileOf.has(i)),
    unmatched: files.filter((file) => of(file) === null),
    matchedBy,
  };
}
