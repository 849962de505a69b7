/** Entry point `voxpix/model`: the Encoder, the Decoder and their training. */
export { type Variant, variants } from "./batches.js";
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint, restoreTraining, trainingEntries } from "./checkpoint.js";
export { type TrainingConfig, trainingConfig } from "./config.js";
export { Decoder } from "./decoder.js";
export { Encoder, type NetworkOptions } from "./encoder.js";
export { CheckpointError, DivergedError } from "./errors.js";
export { type FrontEnd, type ImageFeatures, makeFrontEnd, makeImageFeatures } from "./features.js";
export { type FilterBank, type FilterBankOptions, gaborBank } from "./filter-bank.js";
export { fmriLoss, ImageLoss } from "./losses.js";
export {
  authorsPreset,
  bestPreset,
  type FmriLossConfig,
  type GroupLassoConfig,
  type ImageLossConfig,
  type Preset,
  paperPreset,
  presets,
} from "./presets.js";
export { reconstruct } from "./reconstruct.js";
export { groupLasso, weightPenalty } from "./regularisers.js";
export { type EpochReport, type Phase, type Position, Training, type TrainingInputs } from "./training.js";
