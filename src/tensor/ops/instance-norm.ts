import { DTypeError, ShapeError } from "../../kernels/errors.js";
import { checkCall, checkInputs } from "../define-op.js";
import { checkChoice } from "../options.js";
import { describeShapes, formatShape, sameShape } from "../shape.js";
import { constant, type Tensor } from "../tensor.js";
import { batchNorm2d } from "./batch-norm2d.js";
import { cast } from "./cast.js";
import { add, mul, square, sub } from "./elementwise.js";
import { channelsLast, defineGroupNorm } from "./group-norm.js";
import { mean as meanOver } from "./sum.js";

/** Options of `instanceNorm` that normalises with each image's own statistics. */
export interface InstanceNormTrainOptions {
  /** Default `"train"`: an image has its own statistics in evaluation too, unless running ones are kept. */
  readonly mode?: "train";
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Running statistics `[C]`, updated in place with the mean over the images; leave both out to keep none. */
  readonly runningMean?: Tensor | undefined;
  readonly runningVar?: Tensor | undefined;
  /** `new = (1 - momentum) * old + momentum * batch`. Default 0.1. */
  readonly momentum?: number;
}

/** Options of `instanceNorm` that normalises with given statistics. */
export interface InstanceNormEvalOptions {
  readonly mode: "eval";
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
}

/** Options of `instanceNorm`. */
export type InstanceNormOptions = InstanceNormTrainOptions | InstanceNormEvalOptions;

const byImage = defineGroupNorm(
  "instanceNorm",
  (x, _weight, { eps = 1e-5 }: { readonly eps?: number }) => {
    const { N, P, C } = channelsLast("instanceNorm", x.shape, 3);
    if (P === 1)
      throw new ShapeError(
        `instanceNorm: needs more than one pixel an image, got 1${describeShapes([["x", x.shape]])}`,
      );
    return { N, P, G: C, D: 1, affine: [C], eps };
  },
  { eps: "number?" },
);

/** Running statistics and how far they move. */
interface Running {
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly momentum: number;
}

/** The running statistics to update, or `null`. They are no inputs of the op, so what `defineOp` checks is checked here. */
function checkRunning(x: Tensor, options: InstanceNormTrainOptions): Running | null {
  const { runningMean, runningVar, momentum = 0.1 } = options;
  if (!runningMean && !runningVar) return null;
  if (!runningMean || !runningVar)
    throw new ShapeError("instanceNorm: runningMean and runningVar must be given together, got only one");
  const C = x.shape.at(-1) as number;
  for (const [name, { shape, dtype, device }] of Object.entries({ runningMean, runningVar })) {
    if (dtype !== "f32") throw new DTypeError(`instanceNorm: ${name} must be f32, got ${dtype}`);
    if (device !== x.device) throw new ShapeError(`instanceNorm: ${name} lives on another device than x`);
    if (!sameShape(shape, [C]))
      throw new ShapeError(
        `instanceNorm: ${name} must have one element for each channel, [${C}], got ${formatShape(shape)}`,
      );
  }
  return { mean: runningMean, variance: runningVar, momentum };
}

/** Moves the running statistics by those of `x`: each image's mean and unbiased variance, averaged over the images. */
function update(x: Tensor, { mean, variance, momentum }: Running): void {
  const { device } = x;
  using _scope = device.scope();
  device.noGrad(() => {
    const { N, P } = channelsLast("instanceNorm", x.shape, 3);
    if (N * P === 0) return;
    const pixels = { axes: x.shape.slice(1, -1).map((_, i) => i + 1), keepDims: true };
    const images = { axes: [...Array(x.rank - 1).keys()] };
    const wide = cast(x, "f32");
    const own = meanOver(wide, pixels);
    const spread = meanOver(square(sub(wide, own)), images);
    const move = (running: Tensor, batch: Tensor, factor: number) => {
      const moved = add(mul(running, constant(device, 1 - momentum)), mul(batch, constant(device, factor)));
      device.copy(moved.storage, 0, running.storage, 0, 4 * running.size);
      running.storage.version++;
    };
    move(mean, meanOver(own, images), momentum);
    move(variance, spread, (momentum * P) / (P - 1));
  });
}

/**
 * Instance normalisation: of each channel of each image over its pixels.
 *
 * `y = (x - mean) * rstd * weight + bias`, `rstd = 1 / sqrt(var + eps)`, `var` dividing by the number of pixels.
 *
 * With `runningMean` and `runningVar`, these are updated in place on the GPU by the images' average mean and unbiased variance; in mode
 * `"eval"` they are the statistics, and gradients stop at them.
 *
 * @param x - Channels last: NHWC `[N, H, W, C]` or `[N, L, C]`.
 * @param weight - `[C]`, or `null` for 1.
 * @param bias - `[C]`, or `null` for 0.
 * @param options - `mode` default `"train"`; `eps` default 1e-5; `momentum` default 0.1.
 * @returns The shape of `x`.
 * @throws {ShapeError} when `x` has fewer than 3 axes, an image has but one pixel in training, or a tensor of the channels is not
 *   `[C]`.
 * @see Ulyanov, Vedaldi & Lempitsky 2016, arXiv:1607.08022. Same numbers as `torch.nn.functional.instance_norm`, channels last.
 */
export function instanceNorm(
  x: Tensor,
  weight: Tensor | null = null,
  bias: Tensor | null = null,
  options: InstanceNormOptions = {},
): Tensor {
  const tensors = { x, "weight?": weight, "bias?": bias };
  const kinds = { mode: "any?", eps: "number?", runningMean: "any?", runningVar: "any?", momentum: "number?" } as const;
  checkCall<InstanceNormOptions>("instanceNorm", tensors, options, kinds);
  if (options.mode !== undefined) checkChoice("instanceNorm", "mode", options.mode, ["train", "eval"]);
  if (options.mode === "eval") {
    const { runningMean, runningVar, eps = 1e-5 } = options;
    return batchNorm2d(x, weight, bias, { mode: "eval", runningMean, runningVar, eps });
  }
  checkInputs("instanceNorm", ["x", "weight?", "bias?"], [x, weight, bias]);
  const { eps = 1e-5 } = options;
  const running = checkRunning(x, options);
  const y = byImage(x, weight, bias, { eps });
  if (running) update(x, running);
  return y;
}
