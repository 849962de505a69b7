/** One step of the second phase: L_D + L_ED + L_DE (eq. 2), the Encoder frozen. */
import type { Dataset } from "../data/dataset.js";
import type { HostRandom } from "../data/random.js";
import {
  type Adam,
  add,
  backward,
  concat,
  constant,
  type Device,
  mul,
  type Rng,
  slice,
  type Tensor,
} from "../index.js";
import { drawImages, drawTestFmri } from "./batches.js";
import type { Decoder } from "./decoder.js";
import type { Encoder } from "./encoder.js";
import { type Pairs, shifted } from "./encoder-step.js";
import { fmriLoss, type ImageLoss } from "./losses.js";
import type { Preset } from "./presets.js";
import { imageTensor, matrixTensor } from "./tensors.js";

/** What stays the same from step to step. */
export interface DecoderStepContext {
  readonly device: Device;
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly optimizer: Adam;
  readonly preset: Preset;
  readonly dataset: Dataset;
  readonly imageLoss: ImageLoss;
  /** `[voxels]`, mean 1; `null` weighs all voxels alike. */
  readonly snr: Tensor | null;
  /** Which unlabeled data is used. */
  readonly use: { readonly images: boolean; readonly testFmri: boolean };
}

const rowsOf = (x: Tensor, start: number, end: number) => slice(x, { start: [start], end: [end] });

/**
 * L_ED: images without fMRI, through the Encoder and back. As in the released code the Encoder sees the (shifted) paired images
 * in the same call, because its batch norm uses the statistics of the call.
 */
function imageToFmriToImage(context: DecoderStepContext, paired: Tensor, unlabeled: Tensor): Tensor {
  const { device, encoder, decoder, imageLoss } = context;
  const pairs = paired.shape[0] as number;
  const predicted = device.noGrad(() => encoder.forward(concat([paired, unlabeled], { axis: 0 })));
  const reconstructed = decoder.withoutRecording(() => decoder.forward(predicted));
  return imageLoss.forward(rowsOf(reconstructed, pairs, predicted.shape[0] as number), unlabeled);
}

/** L_DE: test fMRI without images, through the Decoder and back; `reconstructed` holds the pairs' rows first. */
function fmriToImageToFmri(
  context: DecoderStepContext,
  reconstructed: Tensor,
  pairs: number,
  recorded: Tensor,
): Tensor {
  const predicted = context.encoder.forward(reconstructed);
  const rows = rowsOf(predicted, pairs, predicted.shape[0] as number);
  return fmriLoss(rows, recorded, context.preset.cycleFmriLoss, context.snr);
}

/** Images of paired fMRI, then of test fMRI. */
function reconstructBoth({ decoder, preset }: DecoderStepContext, paired: Tensor, test: Tensor | null): Tensor {
  if (!test) return decoder.forward(paired);
  if (preset.decoderMixesFmri) return decoder.forward(concat([paired, test], { axis: 0 }));
  return concat([decoder.forward(paired), decoder.forward(test)], { axis: 0 });
}

/** The Encoder as it is while the Decoder learns: weights fixed, batch statistics in use but not recorded, light dropout. */
function freezeEncoder(context: DecoderStepContext, dropoutRng: Rng): void {
  const { encoder, preset } = context;
  encoder.train();
  for (const norm of [encoder.frontNorm, ...encoder.norms]) norm.freezeStatistics = true;
  encoder.dropout.rate = preset.encoderDropout[1];
  encoder.dropout.rng = dropoutRng;
}

/**
 * Trains the Decoder on one batch.
 *
 * @param unpaired - Rows of unlabeled images, and as many of unlabeled test fMRI.
 * @returns The losses before their weights, scalars that the caller frees.
 */
export function decoderStep(
  context: DecoderStepContext,
  pairs: Pairs,
  unpaired: number,
  random: HostRandom,
  dropoutRng: Rng,
): Record<string, Tensor> {
  const { device, decoder, optimizer, preset, dataset, imageLoss, use } = context;
  using scope = device.scope();
  freezeEncoder(context, dropoutRng);
  decoder.train();
  const scaled = (x: Tensor, factor: number) => mul(x, constant(device, factor));
  const images = imageTensor(device, pairs.images);
  const count = pairs.images.count;

  const pairedFmri = matrixTensor(device, pairs.fmri);
  const testFmri = use.testFmri ? matrixTensor(device, drawTestFmri(random, dataset, unpaired)) : null;
  const reconstructed = reconstructBoth(context, pairedFmri, testFmri);
  const losses: Record<string, Tensor> = { D: imageLoss.forward(rowsOf(reconstructed, 0, count), images) };
  let total = scaled(losses["D"] as Tensor, preset.lossWeights.decoder);
  if (testFmri) {
    losses["DE"] = fmriToImageToFmri(context, reconstructed, count, testFmri);
    total = add(total, scaled(losses["DE"], preset.lossWeights.decoderEncoder));
  }
  if (use.images && dataset.unlabeledImages) {
    const unlabeled = imageTensor(device, drawImages(random, dataset.unlabeledImages, unpaired));
    losses["ED"] = imageToFmriToImage(context, shifted(images, random, preset), unlabeled);
    total = add(total, scaled(losses["ED"], preset.lossWeights.encoderDecoder));
  }
  losses["penalty"] = decoder.penalty();
  optimizer.step(backward(add(total, losses["penalty"])));
  for (const loss of Object.values(losses)) scope.keep(loss);
  return losses;
}
