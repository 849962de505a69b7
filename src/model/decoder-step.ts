/** The second phase's steps: L_D + L_ED + L_DE (eq. 2), the Encoder frozen. */
import type { Dataset, ImageSet } from "../data/dataset.js";
import { HostRandom } from "../data/random.js";
import {
  type Adam,
  add,
  backward,
  capture,
  concat,
  constant,
  createRng,
  type Device,
  imageShift,
  mul,
  slice,
  type Tensor,
} from "../index.js";
import { drawImages, drawTestFmri } from "./batches.js";
import type { Decoder } from "./decoder.js";
import type { Encoder } from "./encoder.js";
import { drawShifts, type Pairs, type Shifts, type TrainingStep } from "./encoder-step.js";
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
 * in the same call, where batch norm of either network uses the statistics of the call.
 */
function imageToFmriToImage(context: DecoderStepContext, paired: Tensor, unlabeled: Tensor): Tensor {
  const { device, encoder, decoder, imageLoss, preset } = context;
  if (preset.frozenEncoderEvaluates && preset.decoderNorm === "group") {
    const alone = device.noGrad(() => encoder.forward(unlabeled));
    return imageLoss.forward(decoder.forward(alone), unlabeled);
  }
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
  const { encoder, preset, snr } = context;
  const tested = (x: Tensor) => rowsOf(x, pairs, x.shape[0] as number);
  const rows = preset.frozenEncoderEvaluates
    ? encoder.forward(tested(reconstructed))
    : tested(encoder.forward(reconstructed));
  return fmriLoss(rows, recorded, preset.cycleFmriLoss, snr);
}

/** Images of paired fMRI, then of test fMRI. */
function reconstructBoth({ decoder, preset }: DecoderStepContext, paired: Tensor, test: Tensor | null): Tensor {
  if (!test) return decoder.forward(paired);
  if (preset.decoderMixesFmri) return decoder.forward(concat([paired, test], { axis: 0 }));
  return concat([decoder.forward(paired), decoder.forward(test)], { axis: 0 });
}

/**
 * The Encoder as it is while the Decoder learns: weights fixed, and in evaluation mode, or with batch statistics that are in use but
 * not recorded and light dropout.
 */
function freezeEncoder({ encoder, preset }: DecoderStepContext): void {
  if (preset.frozenEncoderEvaluates) {
    encoder.eval();
    return;
  }
  encoder.train();
  for (const norm of [encoder.frontNorm, ...encoder.norms]) norm.freezeStatistics = true;
  encoder.dropout.rate = preset.encoderDropout[1];
}

/** A batch on the device; what is not used is `null`. */
interface Batch {
  readonly images: Tensor;
  readonly fmri: Tensor;
  readonly testFmri: Tensor | null;
  readonly unlabeled: { readonly images: Tensor; readonly shifts: Shifts } | null;
}

function drawUnlabeled({ unlabeledImages }: Dataset, count: number, random: HostRandom): ImageSet | null {
  return unlabeledImages && drawImages(random, unlabeledImages, count);
}

/** A batch of `pairs`, and of as many unlabeled images and rows of unlabeled test fMRI as `unpaired` says. */
function drawBatch(context: DecoderStepContext, pairs: Pairs, unpaired: number, random: HostRandom): Batch {
  const { device, preset, dataset, use } = context;
  const testFmri = use.testFmri ? matrixTensor(device, drawTestFmri(random, dataset, unpaired)) : null;
  const drawn = use.images ? (pairs.unlabeled ?? drawUnlabeled(dataset, unpaired, random)) : null;
  return {
    images: imageTensor(device, pairs.images),
    fmri: matrixTensor(device, pairs.fmri),
    testFmri,
    unlabeled: drawn && {
      images: imageTensor(device, drawn),
      shifts: drawShifts(device, random, pairs.images, preset),
    },
  };
}

/** The losses of a batch before their weights, and the gradient step on their sum. */
function trainOn(context: DecoderStepContext, { images, fmri, testFmri, unlabeled }: Batch): Record<string, Tensor> {
  const { device, decoder, optimizer, preset, imageLoss } = context;
  const scaled = (x: Tensor, factor: number) => mul(x, constant(device, factor));
  const count = images.shape[0] as number;
  const reconstructed = reconstructBoth(context, fmri, testFmri);
  const losses: Record<string, Tensor> = { D: imageLoss.forward(rowsOf(reconstructed, 0, count), images) };
  let total = scaled(losses["D"] as Tensor, preset.lossWeights.decoder);
  if (testFmri) {
    losses["DE"] = fmriToImageToFmri(context, reconstructed, count, testFmri);
    total = add(total, scaled(losses["DE"], preset.lossWeights.decoderEncoder));
  }
  if (unlabeled) {
    losses["ED"] = imageToFmriToImage(context, imageShift(images, unlabeled.shifts), unlabeled.images);
    total = add(total, scaled(losses["ED"], preset.lossWeights.encoderDecoder));
  }
  losses["penalty"] = decoder.penalty();
  optimizer.step(backward(add(total, losses["penalty"])));
  return losses;
}

/**
 * Trains the Decoder on pairs, and on unlabeled images and unlabeled test fMRI as `context.use` says.
 *
 * @param unpaired - Rows of a batch of unlabeled images, and of unlabeled test fMRI.
 */
export function makeDecoderStep(context: DecoderStepContext, unpaired: number): TrainingStep {
  const { device, encoder, decoder } = context;
  const dropoutRng = createRng(device, 0);
  const step = capture(device, (batch: Batch) => trainOn(context, batch));
  /** Everything that a step needs: its batch, the networks' modes, and the random numbers' start. */
  const draw = (pairs: Pairs, random: HostRandom) => {
    freezeEncoder(context);
    decoder.train();
    encoder.dropout.rng = dropoutRng;
    dropoutRng.restore({ seed: random.integer(2 ** 31), counter: 0 });
    return drawBatch(context, pairs, unpaired, random);
  };
  return {
    prepare(pairs) {
      using _scope = device.scope();
      return step.prepare(draw(pairs, new HostRandom(0)));
    },
    run(pairs, random) {
      using scope = device.scope();
      const losses = step(draw(pairs, random));
      for (const loss of Object.values(losses)) scope.keep(loss);
      return losses;
    },
    dispose() {
      step.dispose();
      dropoutRng.dispose();
    },
  };
}
