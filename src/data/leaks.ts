/** Whether a picture that is tested was also trained on: by its pixels, whatever its name. */
import type { ImageSet } from "./dataset.js";
import { DataError } from "./errors.js";
import { stimulusOfName } from "./stimulus-id.js";

/** A number that equal pixels share, and unequal ones all but never; pixels are compared where it matters. */
export function pixelHash(pixels: Float32Array): number {
  const words = new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length);
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  for (const word of words) {
    a = Math.imul(a ^ word, 0x01000193);
    b = Math.imul((b ^ word) + (b << 6) + (b >>> 2), 0x85ebca6b);
  }
  return (a >>> 0) * 2 ** 21 + ((b >>> 11) & 0x1fffff);
}

/** Pictures by their pixels, to look others up in. */
export class PictureIndex {
  readonly #images: ImageSet;
  readonly #byHash = new Map<number, number[]>();

  /** @param indices - The images of the set that count; pictures of one colour do not, they show nothing. */
  constructor(images: ImageSet, indices: readonly number[]) {
    this.#images = images;
    for (const index of indices) {
      const pixels = this.#pixels(index);
      if (isBlank(pixels)) continue;
      const hash = pixelHash(pixels);
      this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), index]);
    }
  }

  #pixels(index: number): Float32Array {
    const { height, width, channels, pixels } = this.#images;
    const size = height * width * channels;
    return pixels.subarray(index * size, (index + 1) * size);
  }

  /** The index of an image with these very pixels; `null` when there is none. */
  find(pixels: Float32Array): number | null {
    const alike = this.#byHash.get(pixelHash(pixels)) ?? [];
    return alike.find((index) => this.#pixels(index).every((value, i) => value === pixels[i])) ?? null;
  }
}

function isBlank(pixels: Float32Array): boolean {
  return pixels.every((value) => value === pixels[0]);
}

/** The error for a picture on both sides. */
export function leak(source: string, test: string, other: string): DataError {
  return new DataError(
    `${source}: test image ${test} has the very pixels of ${other}`,
    "A test image must not be trained on; take it out of one of the two.",
  );
}

/**
 * Checks that no unlabeled file bears the ImageNet name of a test picture: its pixels may be of another size.
 *
 * @throws {DataError} naming the first that does.
 */
export function checkNames(source: string, names: readonly string[], tested: readonly string[]): void {
  const stimuli = new Set(tested.flatMap((label) => stimulusOfName(label) ?? []));
  const named = stimuli.size === 0 ? undefined : names.find((name) => stimuli.has(stimulusOfName(name) ?? ""));
  if (named === undefined) return;
  throw new DataError(
    `${source}: the unlabeled image ${named} is a test image`,
    "A test image must not be trained on; remove the file.",
  );
}

/**
 * Checks that no test image occurs among the training images or the unlabeled ones.
 *
 * @throws {DataError} naming the first that does.
 */
export function checkLeaks(
  source: string,
  {
    images,
    labels,
    train,
    test,
    unlabeled,
  }: {
    readonly images: ImageSet;
    readonly labels: readonly string[];
    readonly train: readonly number[];
    readonly test: readonly number[];
    readonly unlabeled: ImageSet | null;
  },
): void {
  const index = new PictureIndex(images, test);
  const size = images.height * images.width * images.channels;
  const label = (i: number) => labels[i] ?? String(i);
  for (const i of train) {
    const found = index.find(images.pixels.subarray(i * size, (i + 1) * size));
    if (found !== null) throw leak(source, label(found), `training image ${label(i)}`);
  }
  checkNames(source, unlabeled?.names ?? [], test.map(label));
  if (unlabeled === null || unlabeled.pixels.length !== unlabeled.count * size) return;
  for (let i = 0; i < unlabeled.count; i++) {
    const found = index.find(unlabeled.pixels.subarray(i * size, (i + 1) * size));
    if (found !== null) throw leak(source, label(found), `unlabeled image ${unlabeled.names?.[i] ?? i + 1}`);
  }
}
