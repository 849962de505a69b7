/** The simulated subject: natural photographs seen by voxels whose receptive fields are known. The dataset when none is named. */
import type { Dataset, ImageSet, Matrix, RawDataset } from "./dataset.js";
import { DataError } from "./errors.js";
import { type NormaliseOptions, normalise } from "./normalise.js";
import { cropPhotographs, loadPhotographs, PHOTOGRAPHS, type Photograph, splitPhotographs } from "./photographs.js";
import { HostRandom } from "./random.js";
import { checkSize } from "./resample.js";
import { drawVoxels, drive, fitCurves, respond, type SimulatedVoxel } from "./voxel-model.js";

/** Size and noise of a simulated experiment. */
export interface SimulateOptions {
  /** Height and width of the stimuli in pixels, from 8. Default 32. */
  readonly resolution?: number;
  /** 3 = RGB, 1 = grey. Default 3. */
  readonly channels?: 1 | 3;
  /** Default 512. */
  readonly voxels?: number;
  /** Seen once each. Default 256, from 2. */
  readonly trainImages?: number;
  /** Default 32. */
  readonly testImages?: number;
  /** From the photographs of the training images. Default 512; 0 for none. */
  readonly unlabeledImages?: number;
  /** How often each test image is seen. Default 35. */
  readonly testRepeats?: number;
  /** Factor on the standard deviation of each voxel's noise. Default 1; 0 for none. */
  readonly noise?: number;
  /** A whole number from 0. Default 0. */
  readonly seed?: number;
  /** Folder of photographs to cut the stimuli from. Default: the ones that ship with the package. */
  readonly photographs?: string;
}

/** A simulated dataset and the truth about its voxels: `voxels[i]` belongs to column i of the fMRI. */
export interface SimulatedDataset extends Dataset {
  readonly voxels: readonly SimulatedVoxel[];
}

/** Recordings of a simulated subject, as measured, and the truth about their voxels. */
export interface Simulation {
  readonly raw: RawDataset;
  readonly voxels: readonly SimulatedVoxel[];
}

type Settings = Required<SimulateOptions>;

const DEFAULTS: Settings = {
  resolution: 32,
  channels: 3,
  voxels: 512,
  trainImages: 256,
  testImages: 32,
  unlabeledImages: 512,
  testRepeats: 35,
  noise: 1,
  seed: 0,
  photographs: PHOTOGRAPHS,
};

const LEAST = { resolution: 8, voxels: 1, trainImages: 2, testImages: 1, unlabeledImages: 0, testRepeats: 1 } as const;

function checkSettings(settings: Settings): void {
  for (const [name, least] of Object.entries(LEAST) as [keyof typeof LEAST, number][]) {
    const value = settings[name];
    if (!Number.isInteger(value) || value < least) {
      throw new DataError(
        `simulate: ${name} is ${value}, expected a whole number from ${least}`,
        "Give such a number.",
      );
    }
  }
  checkSize("resolution", settings.resolution);
  if (!(settings.noise >= 0 && settings.noise < Number.POSITIVE_INFINITY)) {
    throw new DataError(`simulate: noise is ${settings.noise}, expected a number from 0`, "Give such a number.");
  }
}

/**
 * Simulates an experiment: crops of photographs shown to voxels with known receptive fields and noise. Test stimuli come from other
 * photographs than training and unlabeled ones.
 *
 * @throws {DataError} when an option is out of range, or there are fewer than 2 photographs.
 */
export async function simulateRecordings(options: SimulateOptions = {}): Promise<Simulation> {
  const settings = { ...DEFAULTS, ...options };
  checkSettings(settings);
  const random = new HostRandom(settings.seed);
  const photographs = await loadPhotographs(settings.photographs);
  const stimuli = cutStimuli(photographs, settings, random);
  const drawn = drawVoxels(
    { ...settings, count: settings.voxels, colour: settings.channels === 3 },
    random.fork("voxels"),
  );
  const trainDrive = drive(drawn, stimuli.train.images);
  const curves = fitCurves(trainDrive);
  const voxels = drawn.map((voxel, v) => (curves[v]?.sd === 0 ? { ...voxel, snr: 0 } : voxel));
  // A voxel that nothing drives is all noise.
  const noiseSd = voxels.map(({ gain, snr }) => (snr === 0 ? gain * settings.noise : gain / Math.sqrt(snr)));
  const noise = random.fork("noise");
  const trainSignal = respond(trainDrive, voxels, curves);
  const testSignal = respond(drive(voxels, stimuli.test.images), voxels, curves);
  const sources = [...stimuli.train.sources, ...stimuli.test.sources];
  const indices = sources.map((_, i) => i);
  const raw: RawDataset = {
    name: "simulate",
    images: concatenate(stimuli.train.images, stimuli.test.images),
    labels: sources.map((source, i) => `${i + 1} (${photographs[source]?.name ?? source})`),
    responses: [
      ...measure(trainSignal, noiseSd, 1, noise),
      ...measure(testSignal, noiseSd, settings.testRepeats, noise),
    ],
    classes: null,
    groups: sources,
    // No brain has these; what a voxel answers to is the nearest thing to a region that a simulated subject has.
    regions: [...new Set(voxels.map(({ kind }) => kind))].sort().map((kind) => ({
      name: kind,
      voxels: voxels.flatMap((voxel, v) => (voxel.kind === kind ? [v] : [])),
    })),
    split: { train: indices.slice(0, settings.trainImages), test: indices.slice(settings.trainImages) },
    unlabeledImages: stimuli.unlabeled,
    notes: [
      `simulated: ${settings.voxels} voxels with known receptive fields saw crops of ${photographs.length} photographs (seed ${settings.seed}); no brain was measured`,
    ],
  };
  return { raw, voxels };
}

/**
 * {@link simulateRecordings}, z-scored as any other dataset.
 *
 * @throws {DataError} as there.
 */
export async function simulate(options: SimulateOptions & NormaliseOptions = {}): Promise<SimulatedDataset> {
  const { raw, voxels } = await simulateRecordings(options);
  const { dataset, voxelIndices } = normalise(raw, raw.split, options);
  return { ...dataset, voxels: voxelIndices.flatMap((v) => voxels[v] ?? []) };
}

function cutStimuli(photographs: readonly Photograph[], settings: Settings, random: HostRandom) {
  const { resolution, channels } = settings;
  const split = splitPhotographs(photographs, random.fork("photographs"));
  const cut = (use: readonly number[], count: number, name: string) =>
    cropPhotographs(photographs, use, { count, resolution, channels }, random.fork(name));
  return {
    train: cut(split.train, settings.trainImages, "train crops"),
    test: cut(split.test, settings.testImages, "test crops"),
    unlabeled:
      settings.unlabeledImages === 0 ? null : cut(split.train, settings.unlabeledImages, "unlabeled crops").images,
  };
}

function concatenate(a: ImageSet, b: ImageSet): ImageSet {
  const pixels = new Float32Array(a.pixels.length + b.pixels.length);
  pixels.set(a.pixels);
  pixels.set(b.pixels, a.pixels.length);
  return { ...a, count: a.count + b.count, pixels };
}

/** Repeats of each row of `signal`, with independent normal noise of each voxel's standard deviation. */
function measure(signal: Matrix, noiseSd: readonly number[], repeats: number, random: HostRandom): Matrix[] {
  const { columns } = signal;
  return Array.from({ length: signal.rows }, (_, n) => {
    const values = new Float32Array(repeats * columns);
    for (let i = 0; i < values.length; i++) {
      const v = i % columns;
      values[i] = (signal.values[n * columns + v] as number) + (noiseSd[v] as number) * random.normal();
    }
    return { rows: repeats, columns, values };
  });
}
