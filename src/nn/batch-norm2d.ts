import type { Device } from "../kernels/device.js";
import { batchNorm2d } from "../tensor/ops/batch-norm2d.js";
import { full, type Tensor } from "../tensor/tensor.js";
import { Module, moduleBuffer, Parameter } from "./module.js";

/** Options of `BatchNorm2d`. */
export interface BatchNorm2dLayerOptions {
  readonly channels: number;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** `running = (1 - momentum) running + momentum batch`. Default 0.1; Keras' "momentum 0.99" is 0.01 here. */
  readonly momentum?: number;
  /** The running variance takes the unbiased one. Default true, as in PyTorch. */
  readonly unbiased?: boolean;
  /** See the field. Default false. */
  readonly freezeStatistics?: boolean;
}

/**
 * Batch normalisation with running statistics. In training it normalises with the batch's statistics and moves the running
 * ones; in evaluation it normalises with the running ones. Starts with weight 1, bias 0, running mean 0 and variance 1.
 *
 * @throws {ShapeError} when it is called with another number of channels.
 * @see `batchNorm2d` for the formula.
 */
export class BatchNorm2d extends Module {
  /** `[channels]`. */
  readonly weight: Parameter;
  /** `[channels]`. */
  readonly bias: Parameter;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  /** In training, leave the running statistics as they are: what Keras 2.2.4 does in a layer that is not trainable. */
  freezeStatistics: boolean;
  readonly #options: { eps: number; momentum: number; unbiased: boolean };

  constructor(device: Device, options: BatchNorm2dLayerOptions) {
    super();
    const { channels, eps = 1e-5, momentum = 0.1, unbiased = true, freezeStatistics = false } = options;
    const filled = (value: number) => full(device, [channels], value);
    this.weight = Parameter.from(filled(1));
    this.bias = Parameter.from(filled(0));
    this.runningMean = moduleBuffer(filled(0));
    this.runningVar = moduleBuffer(filled(1));
    this.freezeStatistics = freezeStatistics;
    this.#options = { eps, momentum, unbiased };
  }

  /** @param x - NHWC `[N, H, W, channels]` or `[N, channels]`. @returns `x`'s shape. */
  forward(x: Tensor): Tensor {
    const { weight, bias, runningMean, runningVar } = this;
    const { eps, momentum, unbiased } = this.#options;
    x.device.recorder.watch(this, "mode", () => `${this.training} ${this.freezeStatistics}`);
    if (!this.training) return batchNorm2d(x, weight, bias, { mode: "eval", eps, runningMean, runningVar });
    if (this.freezeStatistics) return batchNorm2d(x, weight, bias, { mode: "train", eps });
    return batchNorm2d(x, weight, bias, { mode: "train", eps, momentum, unbiased, runningMean, runningVar });
  }
}
