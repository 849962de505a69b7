/** The choices of one training run. */
import type { Variant } from "./batches.js";
import { type Preset, presets } from "./presets.js";

/** What a run was asked to do; with the data and the adapter it fixes every bit of the result. */
export interface TrainingConfig {
  readonly preset: Preset["name"];
  readonly variant: Variant;
  readonly seed: number;
  readonly encoderEpochs: number;
  readonly decoderEpochs: number;
  readonly batchSize: number;
  readonly encoderChannels: number;
  readonly decoderChannels: number;
  /** Weights of L_D, L_ED and L_DE. */
  readonly lossWeights: readonly [decoder: number, encoderDecoder: number, decoderEncoder: number];
  /** Largest random shift of the Encoder's images, in their own pixels; 0 for none, null for the preset's. */
  readonly maxShift: number | null;
}

/** A configuration with the preset's own numbers wherever `choices` says nothing. */
export function trainingConfig(choices: Partial<TrainingConfig> = {}): TrainingConfig {
  const preset = presets[choices.preset ?? "authors"];
  const { encoderEpochs, decoderEpochs, batchSize, encoderChannels, decoderChannels } = preset;
  const { decoder, encoderDecoder, decoderEncoder } = preset.lossWeights;
  const lossWeights = [decoder, encoderDecoder, decoderEncoder] as const;
  const defaults = {
    encoderEpochs,
    decoderEpochs,
    batchSize,
    encoderChannels,
    decoderChannels,
    lossWeights,
    maxShift: null,
  };
  return { ...defaults, preset: preset.name, variant: "full", seed: 0, ...choices };
}

/** Steps after which the running averages of batch norm at its standard momentum have long forgotten where they started. */
const settledSteps = 1000;

/** The preset with the configuration's sizes, and with a batch-norm momentum that settles within `steps` steps. */
export function presetOf(config: TrainingConfig, steps: number): Preset {
  const preset = presets[config.preset];
  const momentum = Math.min(0.1, preset.batchNormMomentum * Math.max(1, settledSteps / Math.max(1, steps)));
  const [decoder, encoderDecoder, decoderEncoder] = config.lossWeights;
  return {
    ...preset,
    lossWeights: { decoder, encoderDecoder, decoderEncoder },
    encoderChannels: config.encoderChannels,
    decoderChannels: config.decoderChannels,
    maxShift: config.maxShift,
    batchNormMomentum: momentum,
  };
}
