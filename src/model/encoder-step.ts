/** The first phase's steps. */
import type { ImageSet, Recordings } from "../data/dataset.js";
import { HostRandom } from "../data/random.js";
import {
  type Adam,
  add,
  backward,
  capture,
  createRng,
  type Device,
  imageShift,
  type Sgd,
  type Tensor,
  tensor,
} from "../index.js";
import { randomShifts } from "./batches.js";
import type { Encoder } from "./encoder.js";
import { fmriLoss } from "./losses.js";
import { maxShift, type Preset } from "./presets.js";
import { imageTensor, matrixTensor } from "./tensors.js";

/** Pairs of a batch. */
export interface Pairs extends Pick<Recordings, "images" | "fmri"> {
  /** Unlabeled images that were read from the disk for this batch; left out where the step draws them from memory. */
  readonly unlabeled?: ImageSet;
}

/** One way to train on a batch, recorded in its first step and replayed after it. */
export interface TrainingStep {
  /** Makes `run` ready for batches like this one: its kernels compile side by side, and nothing is trained. */
  prepare(pairs: Pairs): Promise<void>;
  /**
   * Trains on one batch.
   *
   * @param random - Draws everything random of this step.
   * @returns The losses, scalars that the caller frees.
   */
  run(pairs: Pairs, random: HostRandom): Record<string, Tensor>;
  /** Frees what was recorded. */
  dispose(): void;
}

/** Images with random shifts, whole pixels, that the GPU is to apply: the subject's gaze is not known. */
export interface Shifts {
  readonly dy: Tensor;
  readonly dx: Tensor;
}

/** Draws shifts for a batch of images. */
export function drawShifts(device: Device, random: HostRandom, images: Pairs["images"], preset: Preset): Shifts {
  const { dy, dx } = randomShifts(random, images.count, maxShift(preset, images.height));
  const onDevice = (values: Int32Array) => tensor(device, values, [values.length], { dtype: "i32" });
  return { dy: onDevice(dy), dx: onDevice(dx) };
}

/** What the first phase's steps work on. */
export interface EncoderStepContext {
  readonly device: Device;
  readonly encoder: Encoder;
  readonly optimizer: Sgd | Adam;
  readonly preset: Preset;
}

/** Trains the Encoder on pairs: images shifted, their edges repeated. */
export function makeEncoderStep({ device, encoder, optimizer, preset }: EncoderStepContext): TrainingStep {
  const dropoutRng = createRng(device, 0);
  const step = capture(device, (images: Tensor, fmri: Tensor, shifts: Shifts) => {
    const loss = fmriLoss(encoder.forward(imageShift(images, shifts)), fmri, preset.encoderLoss, null);
    const penalty = encoder.penalty();
    optimizer.step(backward(add(loss, penalty)));
    return { fmri: loss, penalty };
  });
  /** Everything that a step needs: the arguments of `step`, and the random numbers' start. */
  const draw = (pairs: Pairs, random: HostRandom) => {
    encoder.train();
    encoder.dropout.rng = dropoutRng;
    dropoutRng.restore({ seed: random.integer(2 ** 31), counter: 0 });
    const shifts = drawShifts(device, random, pairs.images, preset);
    return [imageTensor(device, pairs.images), matrixTensor(device, pairs.fmri), shifts] as const;
  };
  return {
    prepare(pairs) {
      using _scope = device.scope();
      return step.prepare(...draw(pairs, new HostRandom(0)));
    },
    run(pairs, random) {
      using scope = device.scope();
      const losses = step(...draw(pairs, random));
      for (const loss of Object.values(losses)) scope.keep(loss);
      return losses;
    },
    dispose() {
      step.dispose();
      dropoutRng.dispose();
    },
  };
}
