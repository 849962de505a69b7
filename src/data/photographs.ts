/** Stimuli cut from photographs: crops at several scales, some mirrored, none of them nearly blank. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ImageSet } from "./dataset.js";
import { DataError } from "./errors.js";
import { listFiles } from "./files.js";
import { isImageName, loadImage } from "./images.js";
import type { HostRandom } from "./random.js";
import { type Box, type Pixels, resample, stackImages, toGrey } from "./resample.js";

/** The folder of photographs that ships with the package. */
export const PHOTOGRAPHS = fileURLToPath(new URL("../../assets/photos/", import.meta.url));

/** A decoded photograph, at full size and halved again and again, so that far views need not read every pixel. */
export interface Photograph {
  readonly name: string;
  readonly levels: readonly Pixels[];
}

/** Crops and the photographs they were cut from. */
export interface Crops {
  readonly images: ImageSet;
  /** Per crop, the index of its photograph in the list that was given. */
  readonly sources: readonly number[];
}

// Standard deviation of luminance below which a crop shows next to nothing.
const MIN_CONTRAST = 0.06;
// Crops of one photograph may share so much of their joint area.
const MAX_OVERLAP = 0.35;
const ATTEMPTS = 40;
// Contrast is judged at this size, whatever the resolution of the stimuli.
const THUMBNAIL = 16;

/**
 * Loads all photographs of a folder, sorted by name.
 *
 * @throws {DataError} when there are fewer than 2, or one is unreadable.
 */
export async function loadPhotographs(folder: string): Promise<Photograph[]> {
  const names = (await listFiles(folder)).filter(isImageName);
  if (names.length < 2) {
    throw new DataError(
      `${folder}: ${names.length} photographs, at least 2 are needed`,
      "Training and test stimuli must come from different photographs: put more into the folder.",
    );
  }
  const photographs: Photograph[] = [];
  for (const name of names) {
    const levels: Pixels[] = [];
    let level = await loadImage(join(folder, name));
    for (; Math.min(level.width, level.height) >= 128; level = halve(level)) levels.push(level);
    levels.push(level);
    photographs.push({ name: name.replace(/\.\w+$/, ""), levels });
  }
  return photographs;
}

function halve(image: Pixels): Pixels {
  return resample(image, Math.round(image.height / 2), Math.round(image.width / 2));
}

/**
 * Splits photographs into those that training (and unlabeled) stimuli are cut from and those for the test, about two to one. Of every
 * three neighbours in colourfulness one goes to the test, so that both parts hold colour and grey.
 */
export function splitPhotographs(photographs: readonly Photograph[], random: HostRandom) {
  const order = photographs
    .map((photo, i) => ({ i, colour: colourfulness(photo) }))
    .sort((a, b) => a.colour - b.colour);
  const test: number[] = [];
  const size = Math.min(3, photographs.length);
  for (let start = 0; start + size <= order.length; start += size) {
    const drawn = order[start + random.integer(size)];
    if (drawn !== undefined) test.push(drawn.i);
  }
  test.sort((a, b) => a - b);
  return { train: photographs.flatMap((_, i) => (test.includes(i) ? [] : [i])), test };
}

/** Mean absolute difference between the channels of the smallest version. */
function colourfulness({ levels }: Photograph): number {
  const pixels = levels.at(-1)?.pixels ?? new Float32Array(0);
  let sum = 0;
  for (let i = 0; i + 2 < pixels.length; i += 3) {
    const [r = 0, g = 0, b = 0] = pixels.subarray(i, i + 3);
    sum += Math.max(r, g, b) - Math.min(r, g, b);
  }
  return sum / Math.max(pixels.length, 1);
}

/**
 * Cuts `count` square crops, taking the photographs in turn: side from `resolution` (or a quarter of the photograph, whichever is
 * larger) up to its short side, uniform in scale; mirrored with probability 1/2. A crop that is nearly blank, or overlaps an
 * earlier one too much, is drawn again; where a photograph allows no better, the best draw is taken.
 *
 * @param photographs - All of them; `use` says which to cut from.
 * @returns `[count, resolution, resolution, channels]`.
 */
export function cropPhotographs(
  photographs: readonly Photograph[],
  use: readonly number[],
  { count, resolution, channels }: { count: number; resolution: number; channels: 1 | 3 },
  random: HostRandom,
): Crops {
  const crops: Pixels[] = [];
  const sources: number[] = [];
  const taken = new Map<number, Box[]>();
  const order = random.permutation(use.length);
  for (let n = 0; n < count; n++) {
    const source = use[order[n % order.length] ?? 0] ?? 0;
    const photo = photographs[source];
    if (photo === undefined) continue;
    const boxes = taken.get(source) ?? [];
    const { image, box } = drawCrop(photo, boxes, resolution, random);
    taken.set(source, [...boxes, box]);
    crops.push(channels === 3 ? image : { ...image, channels: 1, pixels: toGrey(image.pixels) });
    sources.push(source);
  }
  return { images: stackImages(crops), sources };
}

interface Candidate {
  readonly box: Box;
  readonly mirrored: boolean;
  /** 0 when nothing is wrong with it, below 0 for overlap and for want of contrast. */
  readonly score: number;
}

function drawCrop(photo: Photograph, taken: readonly Box[], resolution: number, random: HostRandom) {
  const draw = (atLeast: number): Candidate | null => {
    const box = drawBox(photo, resolution, random);
    const mirrored = random.uniform() < 0.5;
    const overlap = taken.reduce((most, other) => Math.max(most, sharedArea(box, other)), 0);
    // Half, because a crop that shows something is worth more than one that is new.
    const overlapScore = 0.5 * Math.min(0, MAX_OVERLAP - overlap);
    if (overlapScore <= atLeast) return null;
    const score = overlapScore + Math.min(0, contrast(view(photo, box, THUMBNAIL)) / MIN_CONTRAST - 1);
    return { box, mirrored, score };
  };
  let best = draw(Number.NEGATIVE_INFINITY);
  for (let attempt = 1; attempt < ATTEMPTS && best !== null && best.score < 0; attempt++) {
    const next = draw(best.score);
    if (next !== null && next.score > best.score) best = next;
  }
  // Unreachable: the first draw has nothing to beat.
  if (best === null) throw new DataError(`${photo.name}: no crop could be drawn`, "Replace the photograph.");
  const image = view(photo, best.box, resolution);
  return { box: best.box, image: best.mirrored ? mirror(image) : image };
}

function drawBox({ levels }: Photograph, resolution: number, random: HostRandom): Box {
  const { width, height } = levels[0] ?? { width: 1, height: 1 };
  const short = Math.min(width, height);
  const smallest = Math.min(short, Math.max(resolution, short / 4));
  const side = smallest * (short / smallest) ** random.uniform();
  return { x: (width - side) * random.uniform(), y: (height - side) * random.uniform(), width: side, height: side };
}

/** Intersection over union. */
function sharedArea(a: Box, b: Box): number {
  const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const both = Math.max(0, across) * Math.max(0, down);
  return both / (a.width * a.height + b.width * b.height - both);
}

/** The crop from the smallest version of the photograph that still has a pixel for each of its own. */
function view({ levels }: Photograph, box: Box, resolution: number): Pixels {
  const full = levels[0];
  const level = levels.findLast((pixels) => (box.width * pixels.width) / (full?.width ?? 1) >= resolution) ?? full;
  if (full === undefined || level === undefined)
    return { height: 0, width: 0, channels: 3, pixels: new Float32Array(0) };
  const x = level.width / full.width;
  const y = level.height / full.height;
  return resample(level, resolution, resolution, {
    x: box.x * x,
    y: box.y * y,
    width: box.width * x,
    height: box.height * y,
  });
}

/** Standard deviation of luminance. */
function contrast(image: Pixels): number {
  const grey = image.channels === 1 ? image.pixels : toGrey(image.pixels);
  const mean = grey.reduce((a, b) => a + b, 0) / grey.length;
  return Math.sqrt(grey.reduce((sum, value) => sum + (value - mean) ** 2, 0) / grey.length);
}

function mirror(image: Pixels): Pixels {
  const { width, channels, pixels } = image;
  const out = pixels.map((_, i) => {
    const c = i % channels;
    const x = Math.floor(i / channels) % width;
    return pixels[i + (width - 1 - 2 * x) * channels] ?? pixels[c] ?? 0;
  });
  return { ...image, pixels: out };
}
