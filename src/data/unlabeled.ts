/** Images nobody was recorded on, from what people have at hand: MNIST's files or a folder of photographs. */
import { join } from "node:path";
import type { Dataset, ImageSet } from "./dataset.js";
import { DataError } from "./errors.js";
import { listImages } from "./file-tree.js";
import { fileOrFolder, listFiles } from "./files.js";
import { readIdxImages } from "./idx.js";
import { type ImageStreamOptions, openImageStream } from "./image-stream.js";
import { type ImageOptions, loadImageFiles } from "./images.js";
import { checkSize, resizeImages, withChannels } from "./resample.js";
import type { ImageStream } from "./unlabeled-stream.js";

const IDX_IMAGES = /images[-.]idx3-ubyte(\.gz)?$/i;

/**
 * Loads unlabeled images at the size and channels of the stimuli.
 *
 * @param path - An IDX file (`*images-idx3-ubyte`, also gzipped), a folder that holds one, or a folder of image files,
 *   also nested.
 * @throws {DataError} when there is no image there, one is unreadable, or a size or `limit` is no positive whole number.
 */
export async function loadUnlabeledImages(path: string, options: ImageOptions): Promise<ImageSet> {
  const { height, width, channels = 3, limit } = options;
  checkSize("height", height);
  checkSize("width", width);
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 1)) {
    throw new DataError(`limit is ${limit}, expected a whole number from 1`, "Give such a number of images, or none.");
  }
  const file = (await fileOrFolder(path)) === "file" ? path : await idxFileIn(path);
  if (file === null) {
    const names = (await listImages(path)).slice(0, limit);
    return { ...(await loadImageFiles(path, names, options)), names };
  }
  return withChannels(resizeImages(await readIdxImages(file, limit), height, width), channels);
}

/** Unlabeled images, in memory or on the disk. */
export interface UnlabeledImages {
  readonly unlabeledImages: ImageSet | null;
  readonly unlabeledStream?: ImageStream;
}

/** Bytes of images that are held in memory; more stay on the disk. */
const IN_MEMORY = 2 ** 28;

/**
 * {@link loadUnlabeledImages} where the images fit in 256 MiB (1,783 RGB images of 112 pixels); else a stream of them. IDX files are
 * always held in memory.
 *
 * @throws {DataError} as there, and as {@link openImageStream}.
 */
export async function openUnlabeledImages(path: string, options: ImageStreamOptions): Promise<UnlabeledImages> {
  const inFile = (await fileOrFolder(path)) === "file" || (await idxFileIn(path)) !== null;
  if (!inFile) {
    const stream = await openImageStream(path, options);
    const bytes = 4 * stream.count * stream.height * stream.width * stream.channels;
    if (bytes > IN_MEMORY) return { unlabeledImages: null, unlabeledStream: stream };
  }
  const { height, width, channels = 3 } = options;
  return { unlabeledImages: await loadUnlabeledImages(path, { height, width, channels }) };
}

/** The IDX file of images in a folder; of MNIST's two, the 60,000 training images. `null` when there is none. */
async function idxFileIn(folder: string): Promise<string | null> {
  const found = (await listFiles(folder)).filter((name) => IDX_IMAGES.test(name));
  const name = found.find((candidate) => candidate.startsWith("train")) ?? found[0];
  return name === undefined ? null : join(folder, name);
}

/**
 * The dataset with these unlabeled images.
 *
 * @throws {DataError} when their size or channels are not those of the stimuli.
 */
export function withUnlabeledImages<T extends Dataset>(dataset: T, images: ImageSet): T {
  const stimuli = dataset.train.images;
  const shape = ({ height, width, channels }: ImageSet) => `[${height}, ${width}, ${channels}]`;
  if (shape(images) !== shape(stimuli)) {
    throw new DataError(
      `${dataset.name}: unlabeled images are ${shape(images)}, the stimuli ${shape(stimuli)}`,
      "Load them with the height, width and channels of the stimuli.",
    );
  }
  return { ...dataset, unlabeledImages: images };
}
