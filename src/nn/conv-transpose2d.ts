import type { ConvTranspose2dOptions } from "../tensor/conv2d-geometry.js";
import { convTranspose2d } from "../tensor/ops/conv-transpose2d.js";
import { type Pair, pair } from "../tensor/pair.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { type ConvWeightOptions, convWeights } from "./conv-weights.js";
import { Module, type Parameter } from "./module.js";

/** Options of `ConvTranspose2d`: those of `convTranspose2d`, and what the weights are. */
export interface ConvTranspose2dLayerOptions extends ConvTranspose2dOptions, ConvWeightOptions {
  /** One number, or `[rows, columns]`. */
  readonly kernelSize: Pair;
}

/** A transposed convolution with trained filters. See `convTranspose2d` for the options. */
export class ConvTranspose2d extends Module {
  /** `[KH, KW, outChannels / groups, inChannels]`. */
  readonly weight: Parameter;
  /** `[outChannels]`, or `null`. */
  readonly bias: Parameter | null;
  readonly #options: ConvTranspose2dOptions;

  /**
   * @param rng - Draws the initial filters, and names the device.
   * @throws {ShapeError} when the groups do not divide both numbers of channels.
   */
  constructor(rng: Rng, options: ConvTranspose2dLayerOptions) {
    super();
    const { kernelSize, stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1 } = options;
    const kernel = pair("ConvTranspose2d", "kernelSize", kernelSize, 1);
    const { weight, bias } = convWeights("ConvTranspose2d", rng, kernel, options, true);
    this.weight = weight;
    this.bias = bias;
    this.#options = { stride, padding, outputPadding, dilation, groups };
  }

  /** @param x - NHWC `[N, H, W, inChannels]`. @returns NHWC `[N, OH, OW, outChannels]`. */
  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.#options);
  }
}
