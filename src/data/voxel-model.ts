/**
 * The simulated voxels: receptive fields over natural images after Kay et al. 2008, "Identifying natural images from human brain
 * activity". Most are Gabor energies; without a share that keeps the sign of what they see, no picture could be read back.
 */
import type { ImageSet, Matrix } from "./dataset.js";
import type { HostRandom } from "./random.js";

/** What a voxel answers to: the energy or one phase of a Gabor in luminance, or the level of luminance or colour in a spot. */
export type VoxelKind = "energy" | "phase" | "luminance" | "red-green" | "blue-yellow";

/** The receptive field of one simulated voxel: the truth a model of it can be judged by. */
export interface SimulatedVoxel {
  readonly kind: VoxelKind;
  /** Centre as fractions of the image's width and height, from the top left. */
  readonly x: number;
  readonly y: number;
  /** Standard deviation of its Gaussian window, as a fraction of the image's side. */
  readonly size: number;
  /** Cycles per image; 0 for spots. */
  readonly frequency: number;
  /** Of the stripes' normal, in radians; 0 for spots. */
  readonly orientation: number;
  /** In radians; 0 where it has no meaning. */
  readonly phase: number;
  /** Standard deviation of the noiseless response over the training stimuli. */
  readonly gain: number;
  /** Mean response. */
  readonly baseline: number;
  /** True signal-to-noise ratio of a single repeat: variance of the response over the training stimuli / variance of the noise. */
  readonly snr: number;
}

const SHARES: readonly (readonly [VoxelKind, number])[] = [
  ["energy", 0.5],
  ["phase", 0.22],
  ["luminance", 0.14],
  ["red-green", 0.07],
  ["blue-yellow", 0.07],
];
// A Gabor whose window has this size in cycles passes one octave.
const CYCLES_IN_SIZE = 0.56;
const WINDOW = 2.5;
/** Median signal-to-noise ratio of a single repeat. The spread makes the best tenth of the voxels 3 to 4 times better. */
const MEDIAN_SNR = 0.3;
const SNR_SPREAD = 1;

/**
 * Draws the receptive fields of `count` voxels.
 *
 * @param colour - With grey stimuli there are no colour voxels.
 * @param noise - Factor on the standard deviation of the noise; 0 gives `snr` Infinity.
 */
export function drawVoxels(
  { count, resolution, colour, noise }: { count: number; resolution: number; colour: boolean; noise: number },
  random: HostRandom,
): SimulatedVoxel[] {
  const shares = SHARES.filter(([kind]) => colour || !kind.includes("-"));
  const total = shares.reduce((sum, [, share]) => sum + share, 0);
  // Octaves from 2 cycles per image to the finest that still has 4 pixels per cycle.
  const octaves = Math.max(1, Math.floor(Math.log2(resolution / 4)));
  return Array.from({ length: count }, () => {
    const kind = pickKind(shares, random.uniform() * total);
    const gabor = kind === "energy" || kind === "phase";
    const frequency = gabor ? 2 ** (1 + random.integer(octaves)) : 0;
    const size = gabor ? CYCLES_IN_SIZE / frequency : 0.05 * 3 ** random.uniform();
    return {
      kind,
      x: random.uniform(),
      y: random.uniform(),
      size,
      frequency,
      orientation: gabor ? Math.PI * random.uniform() : 0,
      phase: kind === "phase" ? 2 * Math.PI * random.uniform() : 0,
      gain: Math.exp(0.4 * random.normal()),
      baseline: random.normal(),
      snr: (MEDIAN_SNR * Math.exp(SNR_SPREAD * random.normal())) / noise ** 2,
    };
  });
}

function pickKind(shares: readonly (readonly [VoxelKind, number])[], at: number): VoxelKind {
  let end = 0;
  for (const [kind, share] of shares) {
    end += share;
    if (at < end) return kind;
  }
  return "energy";
}

/** A voxel's weights over the rectangle of its window; `odd` is the same Gabor a quarter cycle on, for energies. */
interface Filter {
  readonly top: number;
  readonly left: number;
  readonly width: number;
  readonly even: Float64Array;
  readonly odd: Float64Array | null;
}

/** A Gabor's window over a rectangle of pixels, and each pixel's distance from the centre along its stripes' normal. */
interface Window {
  readonly gauss: Float64Array;
  readonly along: Float64Array;
}

function filterOf(voxel: SimulatedVoxel, height: number, width: number): Filter {
  // Pixels whose centre lies within the window.
  const range = (centre: number, count: number) => {
    const first = Math.max(0, Math.ceil((centre - WINDOW * voxel.size) * count - 0.5));
    return [first, Math.min(count - 1, Math.floor((centre + WINDOW * voxel.size) * count - 0.5))] as const;
  };
  const [top, bottom] = range(voxel.y, height);
  const [left, right] = range(voxel.x, width);
  const columns = right - left + 1;
  const gauss = new Float64Array(Math.max(0, columns * (bottom - top + 1)));
  const along = new Float64Array(gauss.length);
  const cos = Math.cos(voxel.orientation);
  const sin = Math.sin(voxel.orientation);
  for (let i = 0; i < gauss.length; i++) {
    const dx = (left + (i % columns) + 0.5) / width - voxel.x;
    const dy = (top + Math.floor(i / columns) + 0.5) / height - voxel.y;
    gauss[i] = Math.exp(-(dx * dx + dy * dy) / (2 * voxel.size * voxel.size));
    along[i] = dx * cos + dy * sin;
  }
  const even = weightsOf({ gauss, along }, voxel.frequency, voxel.phase);
  const odd = voxel.kind === "energy" ? weightsOf({ gauss, along }, voxel.frequency, voxel.phase - Math.PI / 2) : null;
  return { top, left, width: columns, even, odd };
}

/** Window times wave, with absolute sum 1. */
function weightsOf({ gauss, along }: Window, frequency: number, phase: number): Float64Array {
  const raw = gauss.map((g, i) => g * Math.cos(2 * Math.PI * frequency * (along[i] as number) + phase));
  // An even field, or one cut off by the border, must not answer to mean luminance; a spot must.
  const mean = frequency === 0 ? 0 : sumOf(raw) / sumOf(gauss);
  const weights = raw.map((w, i) => w - mean * (gauss[i] as number));
  const scale = weights.reduce((sum, w) => sum + Math.abs(w), 0);
  return weights.map((w) => (scale === 0 ? 0 : w / scale));
}

function sumOf(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}

/** What the voxels see of an image: luminance around grey, and two opponent colours; zeros for grey images. */
function planesOf(images: ImageSet, image: number): Record<"luminance" | "red-green" | "blue-yellow", Float64Array> {
  const size = images.height * images.width;
  const luminance = new Float64Array(size);
  const redGreen = new Float64Array(size);
  const blueYellow = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const at = (image * size + i) * images.channels;
    const r = images.pixels[at] as number;
    const g = images.channels === 3 ? (images.pixels[at + 1] as number) : r;
    const b = images.channels === 3 ? (images.pixels[at + 2] as number) : r;
    luminance[i] = 0.2989 * r + 0.587 * g + 0.1141 * b - 0.5;
    redGreen[i] = r - g;
    blueYellow[i] = b - (r + g) / 2;
  }
  return { luminance, "red-green": redGreen, "blue-yellow": blueYellow };
}

/**
 * What each voxel's receptive field makes of each image, before gain and compression: the Gabor energy `sqrt(even^2 + odd^2)`, or
 * the signed answer of a single field. A field's weights have absolute sum 1.
 *
 * @returns `[count, voxels]`.
 */
export function drive(voxels: readonly SimulatedVoxel[], images: ImageSet): Matrix {
  const filters = voxels.map((voxel) => filterOf(voxel, images.height, images.width));
  const values = new Float32Array(images.count * voxels.length);
  for (let n = 0; n < images.count; n++) {
    const planes = planesOf(images, n);
    filters.forEach((filter, v) => {
      const kind = voxels[v]?.kind ?? "energy";
      const plane = kind === "energy" || kind === "phase" ? planes.luminance : planes[kind];
      const even = dot(filter, filter.even, plane, images.width);
      const odd = filter.odd === null ? 0 : dot(filter, filter.odd, plane, images.width);
      values[n * voxels.length + v] = filter.odd === null ? even : Math.sqrt(even * even + odd * odd);
    });
  }
  return { rows: images.count, columns: voxels.length, values };
}

function dot({ top, left, width }: Filter, weights: Float64Array, plane: Float64Array, stride: number): number {
  let sum = 0;
  let i = 0;
  for (let at = top * stride + left; i < weights.length; at += stride) {
    for (let x = 0; x < width; x++) sum += (weights[i++] as number) * (plane[at + x] as number);
  }
  return sum;
}

/** From drive to response: `sign(d) log(1 + |d| / s)` shifted and scaled so that the training stimuli give `baseline` and `gain`. */
export interface ResponseCurve {
  /** Drive at which compression sets in: the root mean square over the training stimuli. */
  readonly semiSaturation: number;
  readonly mean: number;
  readonly sd: number;
}

function compress(d: number, semiSaturation: number): number {
  return semiSaturation === 0 ? 0 : Math.sign(d) * Math.log1p(Math.abs(d) / semiSaturation);
}

/** Fits each voxel's curve to its drive by the training stimuli `[count, voxels]`. A voxel that nothing drives gets sd 0. */
export function fitCurves({ rows, columns, values }: Matrix): ResponseCurve[] {
  return Array.from({ length: columns }, (_, v) => {
    const drives = Float64Array.from({ length: rows }, (_, n) => values[n * columns + v] as number);
    const semiSaturation = Math.sqrt(drives.reduce((sum, d) => sum + d * d, 0) / rows);
    const compressed = drives.map((d) => compress(d, semiSaturation));
    const mean = compressed.reduce((a, b) => a + b, 0) / rows;
    const sd = Math.sqrt(compressed.reduce((sum, c) => sum + (c - mean) ** 2, 0) / rows);
    return { semiSaturation, mean, sd };
  });
}

/** Noiseless responses `[count, voxels]` to a drive of that shape. */
export function respond(
  { rows, columns, values }: Matrix,
  voxels: readonly SimulatedVoxel[],
  curves: readonly ResponseCurve[],
): Matrix {
  const out = values.map((d, i) => {
    const { semiSaturation = 0, mean = 0, sd = 0 } = curves[i % columns] ?? {};
    const { gain = 1, baseline = 0 } = voxels[i % columns] ?? {};
    return sd === 0 ? baseline : baseline + (gain * (compress(d, semiSaturation) - mean)) / sd;
  });
  return { rows, columns, values: out };
}
