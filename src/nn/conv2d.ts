import type { Conv2dOptions } from "../tensor/conv2d-geometry.js";
import { checkInputs } from "../tensor/define-op.js";
import { conv2d } from "../tensor/ops/conv2d.js";
import { checkChoice, readOptions } from "../tensor/options.js";
import { type Pair, pair } from "../tensor/pair.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { type PaddingMode, paddingModes, padImage, type Windows } from "./conv-padding.js";
import { type ConvWeightOptions, convLayerKinds, convWeights } from "./conv-weights.js";
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
   * @throws {ShapeError} when an option is unknown, missing or not what it may be, or the groups do not divide the channels.
   */
  constructor(rng: Rng, options: Conv2dLayerOptions) {
    super();
    const kinds = { ...convLayerKinds, paddingMode: "any?" } as const;
    const given = readOptions<Conv2dLayerOptions>("Conv2d", options, kinds);
    const { kernelSize, paddingMode = "zeros", padding = 0, groups = 1 } = given;
    checkChoice("Conv2d", "paddingMode", paddingMode, paddingModes);
    const kernel = pair("Conv2d", "kernelSize", kernelSize, 1);
    const stride = pair("Conv2d", "stride", given.stride ?? 1, 1);
    const dilation = pair("Conv2d", "dilation", given.dilation ?? 1, 1);
    const { weight, bias } = convWeights("Conv2d", rng, kernel, given);
    this.weight = weight;
    this.bias = bias;
    this.#options = { stride, padding, dilation, groups };
    this.#paddingMode = paddingMode;
    this.#windows = { kernel, stride, dilation };
  }

  /** @param x - NHWC `[N, H, W, inChannels]`. @returns NHWC `[N, OH, OW, outChannels]`. */
  forward(x: Tensor): Tensor {
    const { padding = 0 } = this.#options;
    checkInputs("Conv2d", ["x"], [x], "any");
    if (this.#paddingMode === "zeros" || x.rank !== 4) return conv2d(x, this.weight, this.bias, this.#options);
    const padded = padImage(x, this.#paddingMode, padding, this.#windows);
    return conv2d(padded, this.weight, this.bias, { ...this.#options, padding: 0 });
  }
}
