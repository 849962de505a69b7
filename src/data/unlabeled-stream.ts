/** Unlabeled images that are read when they are asked for, and how pictures of the test are kept out of them. */
import type { ImageSet } from "./dataset.js";
import { checkNames, leak, type PictureIndex } from "./leaks.js";

/** Images by number, read when they are asked for. */
export interface ImageStream {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Paths within the folder, in order. */
  readonly names: readonly string[];
  /**
   * The images `indices`, in that order.
   *
   * @throws {DataError} when too many files are unreadable, or one of the images must not be used.
   */
  load(indices: readonly number[]): Promise<ImageSet>;
  /** Begins to read a batch that will be asked for soon; {@link load} then waits for what is left of it. */
  prefetch(indices: readonly number[]): void;
}

/**
 * The stream without pictures of the test: a file that bears an ImageNet name of a test picture is refused at once, one that has its very
 * pixels when it is read.
 *
 * @param labels - Names of the test pictures, by the index that `pictures` gives.
 * @throws {DataError} when a file has such a name.
 */
export function guardStream(
  stream: ImageStream,
  pictures: PictureIndex,
  labels: ReadonlyMap<number, string>,
  source: string,
): ImageStream {
  checkNames(source, stream.names, [...labels.values()]);
  const { count, height, width, channels, names } = stream;
  const size = height * width * channels;
  return {
    count,
    height,
    width,
    channels,
    names,
    prefetch: (indices) => stream.prefetch(indices),
    async load(indices) {
      const batch = await stream.load(indices);
      indices.forEach((index, i) => {
        const found = pictures.find(batch.pixels.subarray(i * size, (i + 1) * size));
        if (found !== null)
          throw leak(source, labels.get(found) ?? String(found), `the unlabeled image ${names[index]}`);
      });
      return batch;
    },
  };
}
