import type { Conv2dOptions } from "../tensor/conv2d-geometry.js";
import { conv2d } from "../tensor/ops/conv2d.js";
import { type Pair, pair } from "../tensor/pair.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { type PaddingMode, padImage, type Windows } from "./conv-padding.js";
import { type ConvWeightOptions, convWeights } from "./conv-weights.js";
import { Module, type Parameter } from "./module.js";

/** Options of `Conv2d`: those of `conv2d`, and what the weights are. */
export interface Conv2dLayerOptions extends Conv2dOptions, ConvWeightOptions {
  /** One number, or `[rows, columns]`. */
  readonly kernelSize: Pair;
  /** What stands in the padding. Default `"zeros"`. */
  readonly paddingMode?: PaddingMode;
}

/** A convolution with trained filters. See `conv2d` for `stride`, `padding`, `dilation` and `groups`. */
export class Conv2d extends Module {
  /** HWIO `[KH, KW, inChannels / groups, outChannels]`. */
  readonly weight: Parameter;
  /** `[outChannels]`, or `null`. */
  readonly bias: Parameter | null;
  readonly #options: Conv2dOptions;
  readonly #paddingMode: PaddingMode;
  readonly #windows: Windows;

  /**
   * @param rng - Draws the initial filters, and names the device.
   * @throws {ShapeError} when the groups do not divide both numbers of channels.
   */
  constructor(rng: Rng, options: Conv2dLayerOptions) {
    super();
    const { kernelSize, paddingMode = "zeros", stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
    const kernel = pair("Conv2d", "kernelSize", kernelSize, 1);
    const { weight, bias } = convWeights("Conv2d", rng, kernel, options);
    this.weight = weight;
    this.bias = bias;
    this.#options = { stride, padding, dilation, groups };
    this.#paddingMode = paddingMode;
    const both = (value: Pair) => (typeof value === "number" ? ([value, value] as const) : value);
    this.#windows = { kernel, stride: both(stride), dilation: both(dilation) };
  }

  /** @param x - NHWC `[N, H, W, inChannels]`. @returns NHWC `[N, OH, OW, outChannels]`. */
  forward(x: Tensor): Tensor {
    const { padding = 0 } = this.#options;
    if (this.#paddingMode === "zeros" || x.rank !== 4) return conv2d(x, this.weight, this.bias, this.#options);
    const padded = padImage(x, this.#paddingMode, padding, this.#windows);
    return conv2d(padded, this.weight, this.bias, { ...this.#options, padding: 0 });
  }
}
