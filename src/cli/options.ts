/** The options of a training run: one schema gives types, checks, defaults by dataset and what `config.json` holds. */
import { z } from "zod";
import { presets } from "../model/presets.js";
import { UsageError } from "./errors.js";

/** Datasets that can be named. */
export const datasetNames = ["simulate", "god", "vim1", "kay", "ssfmri2im", "digit69", "folder"] as const;

const wholeNumber = (least: number) => z.number().int().min(least);

/** Everything a run is made from, besides the data files and the adapter. Unknown keys are errors. */
export const runConfigSchema = z.strictObject({
  dataset: z.enum(datasetNames),
  /** File or folder of the dataset; for the simulated subject a folder of photographs, null for those of the package. */
  data: z.string().nullable(),
  /** Which subject of a dataset of several; null for the only one. */
  subject: wholeNumber(1).nullable(),
  /** Folder or file of the pictures that were shown, where they are not beside the recordings; null otherwise. */
  stimuli: z.string().nullable(),
  /** Regions whose voxels are used; null for the dataset's default. */
  roi: z.string().nullable(),
  /** The so many voxels of the highest signal-to-noise ratio; 0 for all. */
  voxels: wholeNumber(0),
  /** Folder or file of unlabeled images; null for none (the simulated subject brings its own). */
  unlabeled: z.string().nullable(),
  /** Feature weights: a file, a folder or an address; null for the built-in bank. */
  weights: z.string().nullable(),
  preset: z.enum(["paper", "authors", "best"]),
  variant: z.enum(["supervised", "images", "full", "targetExcluded"]),
  seed: wholeNumber(0),
  resolution: wholeNumber(8),
  channels: z.union([z.literal(1), z.literal(3)]),
  encoderEpochs: wholeNumber(0),
  decoderEpochs: wholeNumber(1),
  batchSize: wholeNumber(2),
  encoderChannels: wholeNumber(1),
  decoderChannels: wholeNumber(1),
  /** Weights of L_D, L_ED and L_DE. */
  lossWeights: z.tuple([z.number().min(0), z.number().min(0), z.number().min(0)]),
  /** Largest random shift of the Encoder's images, in pixels of the images; null for the preset's, 0 for none. */
  maxShift: wholeNumber(0).nullable(),
  /** 0: the dataset's own split; k from 2: cross-validation over all its images. */
  folds: wholeNumber(0),
  /** Variant targetExcluded: the test images are dealt into so many groups, and a Decoder is trained for each without its fMRI. */
  targetGroups: wholeNumber(2),
  /** Repeats of each test image to use, drawn at random; 0: all. */
  testRepeats: wholeNumber(0),
  /** Changes to the simulated subject; empty for every other dataset. */
  simulate: z.strictObject({
    voxels: wholeNumber(1).optional(),
    trainImages: wholeNumber(2).optional(),
    testImages: wholeNumber(1).optional(),
    unlabeledImages: wholeNumber(0).optional(),
    testRepeats: wholeNumber(1).optional(),
    /** Factor on the standard deviation of each voxel's noise; the signal-to-noise ratio changes by 1 / noise^2. */
    noise: z.number().min(0).optional(),
    /** Which subject: photographs, voxels and noise. Default: the run's seed. */
    seed: wholeNumber(0).optional(),
  }),
});

/** A complete, checked configuration. */
export type RunConfig = z.infer<typeof runConfigSchema>;

type Defaults = Omit<RunConfig, "dataset" | "data" | "unlabeled" | "lossWeights"> &
  Partial<Pick<RunConfig, "lossWeights">>;

const common = {
  subject: null,
  stimuli: null,
  roi: null,
  voxels: 0,
  weights: null,
  preset: "authors",
  variant: "full",
  seed: 0,
  maxShift: null,
  folds: 0,
  targetGroups: 10,
  testRepeats: 0,
  simulate: {},
} as const;

/** The paper's sizes and epochs. */
const large = {
  ...common,
  resolution: 112,
  channels: 3,
  encoderEpochs: 80,
  decoderEpochs: 150,
  batchSize: 64,
  encoderChannels: 32,
  decoderChannels: 64,
} as const;

/** What each dataset is trained with unless the command says otherwise; sizes fit the images, epochs fit a software driver. */
const datasetDefaults: Readonly<Record<RunConfig["dataset"], Defaults>> = {
  simulate: {
    ...common,
    resolution: 32,
    channels: 3,
    encoderEpochs: 8,
    decoderEpochs: 32,
    batchSize: 16,
    encoderChannels: 32,
    decoderChannels: 32,
  },
  digit69: {
    ...common,
    // 90 recordings are too few for the released code's mixed calls: see `decoderMixesFmri`.
    preset: "paper",
    resolution: 28,
    channels: 1,
    encoderEpochs: 30,
    decoderEpochs: 72,
    batchSize: 16,
    encoderChannels: 16,
    decoderChannels: 16,
  },
  god: large,
  // Grey pictures.
  vim1: { ...large, channels: 1 },
  kay: { ...large, channels: 1 },
  ssfmri2im: large,
  folder: large,
};

/** The defaults of each dataset, one line each, for the help text. */
export function describeDefaults(): string {
  return datasetNames
    .map((name) => {
      const {
        resolution,
        channels,
        preset,
        encoderEpochs,
        decoderEpochs,
        batchSize,
        encoderChannels,
        decoderChannels,
      } = datasetDefaults[name];
      const sizes = `${resolution} pixels x ${channels}, preset ${preset}, epochs ${encoderEpochs} + ${decoderEpochs}`;
      return `  ${name.padEnd(9)} ${sizes}, batch ${batchSize}, channels ${encoderChannels} and ${decoderChannels}`;
    })
    .join("\n");
}

/** Turns zod's issues into one line. */
function explain(error: z.ZodError, where: string): UsageError {
  const issue = error.issues[0];
  const path = issue?.path.join(".") ?? "";
  return new UsageError(`${where}: ${path ? `${path}: ` : ""}${issue?.message ?? "is not valid"}`);
}

/** Settings that each are valid but do not go together. */
function checkTogether(config: RunConfig, where: string): void {
  const { dataset, data, folds, subject, stimuli } = config;
  if (dataset !== "simulate" && data === null) {
    throw new UsageError(`${where}: dataset ${dataset} needs --data PATH, the file or folder that holds it`);
  }
  if (subject !== null && !/^(god|vim1|ssfmri2im)$/.test(dataset)) {
    throw new UsageError(
      `${where}: --subject chooses among those of god, vim1 and ssfmri2im; the dataset is ${dataset}`,
    );
  }
  if (stimuli !== null && !/^(god|vim1|ssfmri2im)$/.test(dataset)) {
    throw new UsageError(`${where}: --stimuli is for god, vim1 and ssfmri2im; the dataset is ${dataset}`);
  }
  if (dataset === "god" && stimuli === null) {
    throw new UsageError(
      `${where}: dataset god needs --stimuli PATH, the folder of ImageNet pictures that were shown, or the .npz of them`,
    );
  }
  if (dataset !== "simulate" && Object.keys(config.simulate).length > 0) {
    throw new UsageError(`${where}: --simulate changes the simulated subject; the dataset is ${dataset}`);
  }
  if (config.maxShift !== null && config.maxShift >= config.resolution) {
    throw new UsageError(
      `${where}: --max-shift must be less than the resolution, got ${config.maxShift} pixels of ${config.resolution}`,
    );
  }
  if (folds === 1) throw new UsageError(`${where}: --folds must be 0 (the dataset's own split) or at least 2, got 1`);
}

/**
 * Completes and checks a configuration.
 *
 * @param choices - What the user said; `undefined` entries take the dataset's defaults.
 * @param where - Where the choices come from, for the error.
 * @throws {UsageError} naming the first thing that is wrong.
 */
export function completeConfig(choices: Readonly<Record<string, unknown>>, where: string): RunConfig {
  const given = Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined));
  const dataset = z.enum(datasetNames).safeParse(given["dataset"] ?? "simulate");
  if (!dataset.success) {
    throw new UsageError(
      `${where}: there is no dataset "${String(given["dataset"])}"; choose ${datasetNames.join(", ")}`,
    );
  }
  const named = runConfigSchema.shape.preset.safeParse(given["preset"]);
  const preset = presets[named.success ? named.data : datasetDefaults[dataset.data].preset].lossWeights;
  const lossWeights = [preset.decoder, preset.encoderDecoder, preset.decoderEncoder];
  const whole = {
    data: null,
    unlabeled: null,
    lossWeights,
    ...datasetDefaults[dataset.data],
    ...given,
    dataset: dataset.data,
  };
  const parsed = runConfigSchema.safeParse(whole);
  if (!parsed.success) throw explain(parsed.error, where);
  checkTogether(parsed.data, where);
  return parsed.data;
}
