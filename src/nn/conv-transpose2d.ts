import type { ConvTranspose2dOptions } from "../tensor/conv2d-geometry.js";
import { convTranspose2d } from "../tensor/ops/conv-transpose2d.js";
import { readOptions } from "../tensor/options.js";
import { type Pair, pair } from "../tensor/pair.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { type ConvWeightOptions, convLayerKinds, convWeights } from "./conv-weights.js";
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
   * @throws {ShapeError} when an option is unknown, missing or not what it may be, or the groups do not divide the channels.
   */
  constructor(rng: Rng, options: ConvTranspose2dLayerOptions) {
    super();
    const kinds = { ...convLayerKinds, outputPadding: "pair?" } as const;
    const given = readOptions<ConvTranspose2dLayerOptions>("ConvTranspose2d", options, kinds);
    const { kernelSize, padding = 0, groups = 1 } = given;
    const kernel = pair("ConvTranspose2d", "kernelSize", kernelSize, 1);
    const stride = pair("ConvTranspose2d", "stride", given.stride ?? 1, 1);
    const dilation = pair("ConvTranspose2d", "dilation", given.dilation ?? 1, 1);
    const outputPadding = pair("ConvTranspose2d", "outputPadding", given.outputPadding ?? 0, 0);
    const { weight, bias } = convWeights("ConvTranspose2d", rng, kernel, given, true);
    this.weight = weight;
    this.bias = bias;
    this.#options = { stride, padding, outputPadding, dilation, groups };
  }

  /** @param x - NHWC `[N, H, W, inChannels]`. @returns NHWC `[N, OH, OW, outChannels]`. */
  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.#options);
  }
}
