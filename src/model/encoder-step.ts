/** One step of the first phase. */
import type { Recordings } from "../data/dataset.js";
import type { HostRandom } from "../data/random.js";
import { add, backward, type Device, imageShift, type Rng, type Sgd, type Tensor } from "../index.js";
import { randomShifts } from "./batches.js";
import type { Encoder } from "./encoder.js";
import { fmriLoss } from "./losses.js";
import { maxShift, type Preset } from "./presets.js";
import { imageTensor, matrixTensor } from "./tensors.js";

/** Pairs of a batch. */
export type Pairs = Pick<Recordings, "images" | "fmri">;

/** Images shifted by whole pixels at random, edges repeated: the subject's gaze is not known. */
export function shifted(images: Tensor, random: HostRandom, preset: Preset): Tensor {
  const [count, height] = images.shape as [number, number];
  const { dy, dx } = randomShifts(random, count, maxShift(preset, height));
  return imageShift(images, { dy, dx });
}

/**
 * Trains the Encoder on one batch of pairs.
 *
 * @returns The losses, scalars that the caller frees.
 */
export function encoderStep(
  context: { device: Device; encoder: Encoder; optimizer: Sgd; preset: Preset },
  pairs: Pairs,
  random: HostRandom,
  dropoutRng: Rng,
): Record<string, Tensor> {
  const { device, encoder, optimizer, preset } = context;
  using scope = device.scope();
  encoder.train();
  encoder.dropout.rng = dropoutRng;
  const predicted = encoder.forward(shifted(imageTensor(device, pairs.images), random, preset));
  const loss = fmriLoss(predicted, matrixTensor(device, pairs.fmri), preset.encoderLoss, null);
  const penalty = encoder.penalty();
  optimizer.step(backward(add(loss, penalty)));
  scope.keep(loss, penalty);
  return { fmri: loss, penalty };
}
