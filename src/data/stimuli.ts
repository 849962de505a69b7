/** The pictures of 'fMRI on ImageNet': a folder of ImageNet files by name, or one .npz of all of them in the order of two lists. */
import { dirname, join } from "node:path";
import { readCsv } from "./csv.js";
import type { ImageSet } from "./dataset.js";
import { DataError } from "./errors.js";
import { listTree } from "./file-tree.js";
import { fileOrFolder, listFiles } from "./files.js";
import { toFloat32 } from "./fmri-table.js";
import { isImageName, loadImageAt } from "./images.js";
import { type Npz, withNpz } from "./npz.js";
import { resizeImages, stackImages, withChannels } from "./resample.js";
import { stimulusOfName } from "./stimulus-id.js";

/** Size and channels that the pictures should have. */
export interface StimulusSize {
  /** Height and width in pixels. */
  readonly resolution: number;
  readonly channels: 1 | 3;
}

/** Pictures that were shown. */
export interface Shown {
  /** ImageNet's names, e.g. "n01443537_22563"; `null` where only places are known. */
  readonly names: readonly string[] | null;
  /** Place of each in its list, from 0; `null` where only names are known. */
  readonly places: readonly number[] | null;
}

/** What a recording showed, for each part of the experiment. */
export interface ShownParts {
  readonly train: Shown;
  readonly test: Shown;
}

const ARRAYS = { train: "train_images", test: "test_images" } as const;
// Pictures of an .npz that are decoded at once: 64 of 112 pixels in f64 are 19 MB.
const BLOCK = 64;

/**
 * Loads the pictures.
 *
 * @param path - A folder of ImageNet files, also nested; or an .npz with `train_images` and `test_images` in the order of
 *   `imageID_training.csv` and `imageID_test.csv`, values from 0 to 1; or a folder that holds one.
 * @returns Training pictures, then test pictures, in the order asked for.
 * @throws {DataError} when some are missing (how many and which), an .npz has other numbers of pictures, or a file is unreadable.
 */
export async function loadStimuli(path: string, shown: ShownParts, size: StimulusSize): Promise<ImageSet> {
  const archive = (await fileOrFolder(path)) === "file" ? path : await archiveFor(path, shown);
  if (archive === null) return fromFolder(path, shown, size);
  return withNpz(archive, async (npz) => {
    const parts: ImageSet[] = [];
    for (const part of ["train", "test"] as const) {
      const places = await placesOf(npz, part, shown[part], archive);
      parts.push(await fromNpz(npz, ARRAYS[part], places, size));
    }
    return joinImages(parts);
  });
}

/** The .npz of pictures that a folder holds; `null` when there is none. */
export async function archiveIn(folder: string): Promise<string | null> {
  for (const name of (await listFiles(folder)).filter((candidate) => /\.npz$/i.test(candidate))) {
    const path = join(folder, name);
    if (await withNpz(path, (npz) => Promise.resolve(npz.names.includes(ARRAYS.train)))) return path;
  }
  return null;
}

/** The archive of a folder that holds no picture under a name that the recording says; files by name are the originals. */
async function archiveFor(folder: string, { train, test }: ShownParts): Promise<string | null> {
  const archive = await archiveIn(folder);
  if (archive === null || train.names === null || test.names === null) return archive;
  const wanted = new Set([...train.names, ...test.names]);
  const files = await listTree(folder, isImageName);
  return files.some((file) => wanted.has(stimulusOfName(file) ?? "")) ? null : archive;
}

/** Several sets of one size as one. */
export function joinImages(sets: readonly ImageSet[]): ImageSet {
  const [first] = sets;
  if (first === undefined) throw new DataError("no images to join", "Give at least one set.");
  const pixels = new Float32Array(sets.reduce((n, set) => n + set.pixels.length, 0));
  let at = 0;
  for (const set of sets) {
    pixels.set(set.pixels, at);
    at += set.pixels.length;
  }
  return { ...first, count: sets.reduce((n, set) => n + set.count, 0), pixels };
}

async function fromFolder(folder: string, { train, test }: ShownParts, size: StimulusSize): Promise<ImageSet> {
  if (train.names === null || test.names === null) {
    throw new DataError(
      `${folder}: the recording does not say which picture was seen, only its place in a list`,
      "Give the .npz of all pictures with --stimuli.",
    );
  }
  const files = new Map<string, string>();
  const there = await listTree(folder, isImageName);
  if (there.length === 0) {
    throw new DataError(
      `${folder}: no pictures in this folder or below`,
      "Say with --stimuli where they are: a folder of ImageNet's files by name, or the .npz of all.",
    );
  }
  for (const file of there) {
    const name = stimulusOfName(file);
    if (name !== null && !files.has(name)) files.set(name, file);
  }
  const wanted = [...train.names, ...test.names];
  const missing = wanted.filter((name) => !files.has(name));
  if (missing.length > 0) {
    const list = missing.slice(0, 3).join(", ");
    throw new DataError(
      `${folder}: ${missing.length} of ${wanted.length} pictures are missing, first ${list}`,
      "Put them there under ImageNet's names, as n01443537_22563.JPEG.",
    );
  }
  const { resolution, channels } = size;
  const images = [];
  for (const name of wanted) {
    images.push(
      await loadImageAt(join(folder, files.get(name) ?? ""), { height: resolution, width: resolution, channels }),
    );
  }
  return stackImages(images);
}

/**
 * Where in the archive the pictures of a part stand: by the list beside the archive, else by the recording's own places, which early
 * releases are said to have had wrong.
 */
async function placesOf(npz: Npz, part: "train" | "test", shown: Shown, path: string): Promise<readonly number[]> {
  const { shape } = await npz.header(ARRAYS[part]);
  const count = shape[0] ?? 0;
  const listed = shown.names === null ? null : await placesByName(shown.names, count, path);
  const places = listed ?? shown.places;
  if (places === null) {
    throw new DataError(
      `${path}: the recording names its pictures, and no list of ${count} beside the archive says where they stand in it`,
      "Put imageID_training.csv and imageID_test.csv beside it.",
    );
  }
  const bad = places.find((place) => !(Number.isInteger(place) && place >= 0 && place < count));
  if (bad === undefined) return places;
  throw new DataError(
    `${path}: the recording showed picture ${bad + 1} of ${ARRAYS[part]}, which has ${count}`,
    "Give the .npz of this experiment's pictures.",
  );
}

/** By a list of `count` names beside the archive; `null` when there is none that names them all. */
async function placesByName(names: readonly string[], count: number, path: string): Promise<number[] | null> {
  const folder = dirname(path);
  for (const file of (await listFiles(folder)).filter((name) => /\.(csv|tsv)$/i.test(name))) {
    const rows = await readCsv(join(folder, file)).catch(() => []);
    const listed = rows.map(({ cells }) => cells.map(stimulusOfName).find((name) => name !== null));
    if (listed.length !== count) continue;
    const places = names.map((name) => listed.indexOf(name));
    if (places.every((place) => place >= 0)) return places;
  }
  return null;
}

async function fromNpz(npz: Npz, name: string, places: readonly number[], size: StimulusSize): Promise<ImageSet> {
  const { shape } = await npz.header(name);
  const [count = 0, height = 0, width = 0, channels = 0] = shape;
  if (shape.length !== 4 || (channels !== 1 && channels !== 3) || height * width === 0) {
    throw new DataError(
      `${npz.file}: ${name} has shape [${shape.join(", ")}], expected [count, height, width, 3]`,
      "Give the .npz of the pictures.",
    );
  }
  const { resolution } = size;
  const pixelCount = resolution * resolution * size.channels;
  const pixels = new Float32Array(places.length * pixelCount);
  for (let first = 0; first < count; first += BLOCK) {
    const end = Math.min(count, first + BLOCK);
    const { values } = await npz.rows(name, first, end);
    const block = unit({ count: end - first, height, width, channels, pixels: toFloat32(values) }, npz.file, name);
    const sized = withChannels(resizeImages(block, resolution, resolution), size.channels);
    places.forEach((place, i) => {
      if (place < first || place >= end) return;
      const from = (place - first) * pixelCount;
      pixels.set(sized.pixels.subarray(from, from + pixelCount), i * pixelCount);
    });
  }
  return { count: places.length, height: resolution, width: resolution, channels: size.channels, pixels };
}

/** Values from 0 to 1 as they are; 0 to 255 divided. */
function unit(images: ImageSet, file: string, name: string): ImageSet {
  let highest = 0;
  for (const value of images.pixels) {
    if (!(value >= 0 && value <= 255)) {
      throw new DataError(`${file}: ${name} holds ${value}, expected 0 to 1`, "Give pictures, not features.");
    }
    highest = Math.max(highest, value);
  }
  if (highest <= 1) return images;
  return { ...images, pixels: images.pixels.map((value) => value / 255) };
}
