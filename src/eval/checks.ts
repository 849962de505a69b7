import type { ImageSet } from "../data/dataset.js";

const describe = (name: string, images: ImageSet): string =>
  `  ${name.padEnd(15)} NHWC [${images.count}, ${images.height}, ${images.width}, ${images.channels}]`;

/** Number of values in one image of a set: `height * width * channels`. */
export function imageSize(images: ImageSet): number {
  return images.height * images.width * images.channels;
}

/** Image `index` of a set as a view on its pixels, `[height * width * channels]`. */
export function imagePixels(images: ImageSet, index: number): Float32Array {
  const size = imageSize(images);
  return images.pixels.subarray(index * size, (index + 1) * size);
}

/**
 * Checks that reconstructions and stimuli can be compared image by image: same count (at least one), same size, same channels, and
 * every pixel a finite number. A NaN in a reconstruction is a diverged model, and no score of it would mean anything.
 *
 * @throws {RangeError} naming `operation`, both shapes, and for a bad pixel the image it is in.
 */
export function checkImagePairs(operation: string, reconstructions: ImageSet, stimuli: ImageSet): void {
  const shapes = `\n${describe("reconstructions", reconstructions)}\n${describe("stimuli", stimuli)}`;
  if (reconstructions.count !== stimuli.count || stimuli.count < 1) {
    throw new RangeError(
      `${operation}: needs one reconstruction per stimulus and at least one, got ${reconstructions.count} and ${stimuli.count}${shapes}`,
    );
  }
  if (
    reconstructions.height !== stimuli.height ||
    reconstructions.width !== stimuli.width ||
    reconstructions.channels !== stimuli.channels
  ) {
    throw new RangeError(`${operation}: images must have one size and number of channels, got${shapes}`);
  }
  checkPixels(operation, "reconstructions", reconstructions);
  checkPixels(operation, "stimuli", stimuli);
}

/**
 * Checks that `pixels` holds as many values as the shape says and that each is finite.
 *
 * @throws {RangeError} naming `operation`, the set and the first bad image.
 */
export function checkPixels(operation: string, name: string, images: ImageSet): void {
  const size = imageSize(images);
  if (images.pixels.length !== images.count * size) {
    throw new RangeError(
      `${operation}: pixels must hold count * height * width * channels values, got ${images.pixels.length}\n${describe(name, images)}`,
    );
  }
  const bad = images.pixels.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(
      `${operation}: every pixel must be finite, got ${images.pixels[bad]} in image ${Math.floor(bad / size)}\n${describe(name, images)}`,
    );
  }
}

/**
 * Checks that a per-image list has one entry per image.
 *
 * @throws {RangeError} naming `operation`, the list and both lengths.
 */
export function checkLength(operation: string, name: string, length: number, count: number): void {
  if (length !== count)
    throw new RangeError(`${operation}: ${name} needs one entry per image, got ${length} for ${count} images`);
}
