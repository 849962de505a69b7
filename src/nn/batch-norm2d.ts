import type { Device } from "../kernels/device.js";
import { ShapeError } from "../kernels/errors.js";
import { checkInputs } from "../tensor/define-op.js";
import { batchNorm2d } from "../tensor/ops/batch-norm2d.js";
import { checkEps, readOptions } from "../tensor/options.js";
import { describeShapes } from "../tensor/shape.js";
import { checkDevice, full, type Tensor } from "../tensor/tensor.js";
import { affineParameters, channelKinds } from "./affine.js";
import { Module, moduleBuffer, type Parameter } from "./module.js";

/** Options of `BatchNorm2d` and `BatchNorm1d`. */
export interface BatchNorm2dLayerOptions {
  readonly channels: number;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** `running = (1 - momentum) running + momentum batch`. Default 0.1; Keras' "momentum 0.99" is 0.01 here. */
  readonly momentum?: number;
  /** The running variance takes the unbiased one. Default true, as in PyTorch; Keras takes the other. */
  readonly unbiased?: boolean;
  /** Train a weight and a bias. Default true. */
  readonly affine?: boolean;
  /** See the field. Default false. */
  readonly freezeStatistics?: boolean;
}

const kinds = {
  ...channelKinds,
  momentum: "finite?",
  unbiased: "boolean?",
  freezeStatistics: "boolean?",
} as const;

/** What `BatchNorm2d` and `BatchNorm1d` share: parameters, running statistics and modes. */
abstract class BatchNorm extends Module {
  /** `[channels]`, or `null` when not affine. */
  readonly weight: Parameter | null;
  /** `[channels]`, or `null` when not affine. */
  readonly bias: Parameter | null;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  /** In training, leave the running statistics as they are: what Keras 2.2.4 does in a layer that is not trainable. */
  freezeStatistics: boolean;
  readonly #options: { eps: number; momentum: number; unbiased: boolean };
  readonly #op: string;

  constructor(op: string, device: Device, options: BatchNorm2dLayerOptions) {
    super();
    checkDevice(op, device);
    const given = readOptions<BatchNorm2dLayerOptions>(op, options, kinds);
    const { channels, eps = 1e-5, momentum = 0.1, unbiased = true, affine = true, freezeStatistics = false } = given;
    checkEps(op, eps);
    this.#op = op;
    const { weight, bias } = affineParameters(device, [channels], { affine });
    this.weight = weight;
    this.bias = bias;
    this.runningMean = moduleBuffer(full(device, [channels], 0));
    this.runningVar = moduleBuffer(full(device, [channels], 1));
    this.freezeStatistics = freezeStatistics;
    this.#options = { eps, momentum, unbiased };
  }

  /** @param x - Channels last. @returns `x`'s shape. */
  forward(x: Tensor): Tensor {
    checkInputs(this.#op, ["x"], [x], "any");
    const { weight, bias, runningMean, runningVar } = this;
    const { eps, momentum, unbiased } = this.#options;
    if (!this.training) return batchNorm2d(x, weight, bias, { mode: "eval", eps, runningMean, runningVar });
    x.device.recorder.watch(this, "freezeStatistics", () => this.freezeStatistics);
    if (this.freezeStatistics) return batchNorm2d(x, weight, bias, { mode: "train", eps });
    return batchNorm2d(x, weight, bias, { mode: "train", eps, momentum, unbiased, runningMean, runningVar });
  }
}

/**
 * Batch normalisation with running statistics. In training it normalises with the batch's statistics and moves the running
 * ones; in evaluation it normalises with the running ones. Starts with weight 1, bias 0, running mean 0 and variance 1.
 * Takes NHWC `[N, H, W, channels]` or `[N, channels]`.
 *
 * @throws {ShapeError} when it is called with another number of channels.
 * @see `batchNorm2d` for the formula.
 */
export class BatchNorm2d extends BatchNorm {
  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(device: Device, options: BatchNorm2dLayerOptions) {
    super("BatchNorm2d", device, options);
  }
}

/**
 * Batch normalisation of `[N, channels]` or sequences `[N, L, channels]`. See `BatchNorm2d`.
 *
 * @throws {ShapeError} when it is called with another number of axes or channels.
 */
export class BatchNorm1d extends BatchNorm {
  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(device: Device, options: BatchNorm2dLayerOptions) {
    super("BatchNorm1d", device, options);
  }

  /** @param x - `[N, channels]` or NLC `[N, L, channels]`. @returns `x`'s shape. */
  override forward(x: Tensor): Tensor {
    checkInputs("BatchNorm1d", ["x"], [x], "any");
    if (x.rank !== 2 && x.rank !== 3) {
      throw new ShapeError(
        `BatchNorm1d: x must have 2 axes ([N, C]) or 3 (NLC), got ${x.rank}${describeShapes([["x", x.shape]])}`,
      );
    }
    return super.forward(x);
  }
}
