/**
 * The two presets: `paper` follows the text of Beliy et al. 2019, `authors` the released code where it differs.
 * Where the text is silent, `paper` uses the code's choice. Every number of the method stands here and nowhere else.
 */

/** The fMRI loss: eq. 1 of the paper, or the code's two forms of it. */
export interface FmriLossConfig {
  /** Error over voxels: mean square, or mean absolute weighted by each voxel's SNR. */
  readonly error: "meanSquare" | "snrWeightedMeanAbsolute";
  readonly errorWeight: number;
  /** Weight of minus the cosine between prediction and recording. */
  readonly cosineWeight: number;
}

/** The image loss L_s: eqs. 3 and 4. */
export interface ImageLossConfig {
  readonly rgbWeight: number;
  /** Weight of each feature layer, shallow to deep. The built-in bank has one layer for each, at half the resolution of the last. */
  readonly featureWeights: readonly number[];
  /** VGG19 layers, when its weights are given: as many as there are weights. */
  readonly vggLayers: readonly string[];
  /** Distance between features: mean absolute (code) or root mean square (text). */
  readonly featureDistance: "meanAbsolute" | "rootMeanSquare";
  readonly totalVariationWeight: number;
  /** The squared gradient magnitude is raised to this power. */
  readonly totalVariationExponent: number;
}

/** Group lasso of a dense layer's weight, over the channels of each position. */
export interface GroupLassoConfig {
  /** Weight of mean |w|. */
  readonly l1: number;
  /** Weight of the mean over groups of the group's root mean square. */
  readonly group: number;
  /** How much the four neighbouring positions count in a group. */
  readonly neighbours: number;
  /**
   * Inputs of the dense layer that the weights above were chosen for. Both terms are means over all weights, so each weight's pull
   * shrinks with the number of inputs while the data's does not: other sizes scale the penalty by inputs / this.
   */
  readonly inputs: number;
}

/** All choices of the method that the two sources differ in, or that have a number. */
export interface Preset {
  readonly name: "paper" | "authors" | "best";
  /** Halvings of the image's resolution in the Encoder, conv1 included, for a resolution in pixels. */
  encoderHalvings(resolution: number): number;
  readonly encoderChannels: number;
  readonly encoderConvL1: number;
  readonly encoderConvL2: number;
  readonly encoderGroupLasso: GroupLassoConfig;
  /** Dropout before the Encoder's dense layer while it is trained, and while the Decoder is. */
  readonly encoderDropout: readonly [phase1: number, phase2: number];
  /**
   * Whether the Encoder is in evaluation mode while the Decoder is trained: running statistics, no dropout. False: the statistics of
   * each call, and dropout at its second rate, as in the released code.
   */
  readonly frozenEncoderEvaluates: boolean;
  /** The Encoder's optimizer: SGD with Nesterov momentum, or Adam as the Decoder's. */
  readonly encoderOptimizer: "sgd" | "adam";
  /** Doublings of the resolution in the Decoder. */
  decoderDoublings(resolution: number): number;
  readonly decoderChannels: number;
  /** How the Decoder's maps are normalised: over the batch, or each image by itself in groups of channels. */
  readonly decoderNorm: "batch" | "group";
  readonly decoderConvL1: number;
  readonly decoderGroupLasso: GroupLassoConfig;
  /** Batch norm: new running value = (1 - momentum) old + momentum batch. */
  readonly batchNormMomentum: number;
  readonly batchNormEps: number;
  /** True: the wrong-way-round colour means of the released code before conv1. False: RGB minus the RGB mean. */
  readonly conv1SwapsColours: boolean;
  readonly encoderLoss: FmriLossConfig;
  readonly cycleFmriLoss: FmriLossConfig;
  readonly imageLoss: ImageLossConfig;
  /**
   * Whether the Decoder sees paired and test fMRI in one call, as in the released code, so that batch norm takes its statistics over
   * both. With few recordings it then learns to use the test rows, which no image constrains, to shift the statistics of the paired
   * ones, and their images saturate; calls apart leave it nothing to gain.
   */
  readonly decoderMixesFmri: boolean;
  /** Weights of L_D, L_ED and L_DE. */
  readonly lossWeights: { readonly decoder: number; readonly encoderDecoder: number; readonly decoderEncoder: number };
  /** Largest random shift of images, in pixels at a resolution of 112; smaller images shift in proportion. */
  readonly maxShiftAt112: number;
  /** Largest random shift in pixels of the images themselves, in place of the one above; 0 for none, null to scale that one. */
  readonly maxShift: number | null;
  readonly batchSize: number;
  /** Share of a batch of the second phase that is pairs; the rest are unlabeled images and unlabeled test fMRI, row by row. */
  readonly pairedShare: number;
  readonly encoderEpochs: number;
  readonly decoderEpochs: number;
  /** Learning rate of the Encoder's SGD at epoch `epoch` of `epochs`, counted from 0. */
  encoderLr(epoch: number, epochs: number): number;
  /** Learning rate of the Decoder's Adam at epoch `epoch` of `epochs`. */
  decoderLr(epoch: number, epochs: number): number;
  /**
   * Voxels per input of the Encoder's dense layer that its learning rate was chosen for. The loss is a mean over voxels, so fewer
   * voxels per input make each weight's step larger, and SGD diverges: below this ratio the rate shrinks in proportion.
   */
  readonly encoderVoxelsPerInput: number;
  readonly encoderMomentum: number;
  readonly adamBetas: readonly [number, number];
  readonly adamEps: number;
}

/** Halvings that leave a map near 7 pixels wide. */
const halvingsTo7 = (resolution: number) => Math.max(1, Math.round(Math.log2(resolution / 7)));

/** Epochs of 80 from which each learning rate holds; other lengths are scaled. */
const encoderSchedule: readonly (readonly [fromEpoch: number, lr: number])[] = [
  [0, 0.1],
  [21, 0.01],
  [36, 1e-3],
  [46, 1e-4],
  [51, 1e-5],
];

function encoderLr(epoch: number, epochs: number): number {
  const at80 = (epoch * 80) / epochs;
  return encoderSchedule.reduce((lr, [from, value]) => (at80 >= from ? value : lr), 0.1);
}

/** Text: an 80 % drop after every 30 of 150 epochs. Code: the same, one epoch early. Other lengths are scaled. */
const decoderLr = (offset: number) => (epoch: number, epochs: number) =>
  1e-3 * 0.2 ** Math.floor(((epoch * 150) / epochs + offset) / 30);

const shared = {
  encoderChannels: 32,
  encoderConvL1: 1e-5,
  encoderConvL2: 1e-3,
  encoderGroupLasso: { l1: 10, group: 800, neighbours: 0.5, inputs: 6272 },
  encoderDropout: [0.5, 0.25],
  frozenEncoderEvaluates: false,
  encoderOptimizer: "sgd",
  decoderDoublings: (resolution: number) => Math.min(3, halvingsTo7(resolution)),
  decoderChannels: 64,
  decoderNorm: "batch",
  decoderConvL1: 1e-5,
  decoderGroupLasso: { l1: 20, group: 400, neighbours: 0.5, inputs: 4643 },
  batchNormMomentum: 0.01,
  batchNormEps: 1e-3,
  maxShiftAt112: 5,
  maxShift: null,
  batchSize: 64,
  pairedShare: 0.75,
  encoderEpochs: 80,
  decoderEpochs: 150,
  encoderLr,
  encoderVoxelsPerInput: 4643 / 6272,
  encoderMomentum: 0.9,
  adamBetas: [0.9, 0.999],
  adamEps: 1e-7,
} as const;

/** The text of the paper. */
export const paperPreset: Preset = {
  ...shared,
  name: "paper",
  encoderHalvings: halvingsTo7,
  conv1SwapsColours: false,
  encoderLoss: { error: "meanSquare", errorWeight: 0.9, cosineWeight: 0.1 },
  cycleFmriLoss: { error: "meanSquare", errorWeight: 0.9, cosineWeight: 0.1 },
  imageLoss: {
    rgbWeight: 0.15,
    featureWeights: [0.425, 0.425],
    vggLayers: ["conv1_1", "conv1_2"],
    featureDistance: "rootMeanSquare",
    totalVariationWeight: 1,
    totalVariationExponent: 1.25,
  },
  decoderMixesFmri: false,
  lossWeights: { decoder: 1, encoderDecoder: 1, decoderEncoder: 1 },
  decoderLr: decoderLr(0),
};

/** The released code. */
export const authorsPreset: Preset = {
  ...shared,
  name: "authors",
  encoderHalvings: (resolution) => Math.min(3, halvingsTo7(resolution)),
  conv1SwapsColours: true,
  encoderLoss: { error: "meanSquare", errorWeight: 1, cosineWeight: 0.1 },
  cycleFmriLoss: { error: "snrWeightedMeanAbsolute", errorWeight: 1, cosineWeight: 0.1 },
  imageLoss: {
    rgbWeight: 0.15,
    featureWeights: [0.7, 0.15],
    vggLayers: ["conv1_2", "conv2_2"],
    featureDistance: "meanAbsolute",
    totalVariationWeight: 1,
    totalVariationExponent: 1.25,
  },
  decoderMixesFmri: true,
  // One row of a batch carries a pair or an unpaired sample, so the means over a batch weigh them 3 : 1 : 1.
  lossWeights: { decoder: 0.75, encoderDecoder: 0.25, decoderEncoder: 0.25 },
  decoderLr: decoderLr(1),
};

/** Half a cosine from `start` to 0. */
const cosineLr = (start: number) => (epoch: number, epochs: number) =>
  (start / 2) * (1 + Math.cos((Math.PI * epoch) / epochs));

/**
 * Beyond both: what gained identification on simulated subjects that no result is reported on. `docs/results.md` has the row of each
 * choice, and of those that did not gain.
 */
export const bestPreset: Preset = {
  ...paperPreset,
  name: "best",
  frozenEncoderEvaluates: true,
  decoderNorm: "group",
  encoderOptimizer: "adam",
  encoderLr: cosineLr(1e-3),
  decoderLr: cosineLr(1e-3),
  imageLoss: {
    ...paperPreset.imageLoss,
    rgbWeight: 0.5,
    featureWeights: [0.25, 0.25, 0.25],
    vggLayers: ["conv1_2", "conv2_1", "conv2_2"],
  },
};

/** The presets by name. */
export const presets: Readonly<Record<Preset["name"], Preset>> = {
  paper: paperPreset,
  authors: authorsPreset,
  best: bestPreset,
};

/** Largest random shift at a resolution, in whole pixels; at least 1 unless the preset names its own. */
export function maxShift(preset: Preset, resolution: number): number {
  return preset.maxShift ?? Math.max(1, Math.round((preset.maxShiftAt112 * resolution) / 112));
}
