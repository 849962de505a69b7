import { type Conv1dOptions, type ConvTranspose1dOptions, conv1d, convTranspose1d } from "../tensor/ops/conv1d.js";
import { readOptions } from "../tensor/options.js";
import { pair } from "../tensor/pair.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { type ConvWeightOptions, conv1dLayerKinds, convWeights } from "./conv-weights.js";
import { Module, type Parameter } from "./module.js";

/** Options of `Conv1d`: those of `conv1d`, and what the weights are. */
export interface Conv1dLayerOptions extends Conv1dOptions, ConvWeightOptions {
  readonly kernelSize: number;
}

/** A convolution along one axis with trained filters. See `conv1d` for the options. */
export class Conv1d extends Module {
  /** KIO `[K, inChannels / groups, outChannels]`. */
  readonly weight: Parameter;
  /** `[outChannels]`, or `null`. */
  readonly bias: Parameter | null;
  readonly #options: Conv1dOptions;

  /**
   * @param rng - Draws the initial filters, and names the device.
   * @throws {ShapeError} when an option is unknown, missing or not what it may be, or the groups do not divide the channels.
   */
  constructor(rng: Rng, options: Conv1dLayerOptions) {
    super();
    const given = readOptions<Conv1dLayerOptions>("Conv1d", options, conv1dLayerKinds);
    const { kernelSize, stride = 1, padding = 0, dilation = 1, groups = 1 } = given;
    const kernel = pair("Conv1d", "kernelSize", kernelSize, 1).slice(1);
    const { weight, bias } = convWeights("Conv1d", rng, kernel, given);
    this.weight = weight;
    this.bias = bias;
    this.#options = { stride, padding, dilation, groups };
  }

  /** @param x - NLC `[N, L, inChannels]`. @returns NLC `[N, OL, outChannels]`. */
  forward(x: Tensor): Tensor {
    return conv1d(x, this.weight, this.bias, this.#options);
  }
}

/** Options of `ConvTranspose1d`: those of `convTranspose1d`, and what the weights are. */
export interface ConvTranspose1dLayerOptions extends ConvTranspose1dOptions, ConvWeightOptions {
  readonly kernelSize: number;
}

/** A transposed convolution along one axis with trained filters. See `convTranspose1d` for the options. */
export class ConvTranspose1d extends Module {
  /** `[K, outChannels / groups, inChannels]`. */
  readonly weight: Parameter;
  /** `[outChannels]`, or `null`. */
  readonly bias: Parameter | null;
  readonly #options: ConvTranspose1dOptions;

  /**
   * @param rng - Draws the initial filters, and names the device.
   * @throws {ShapeError} when an option is unknown, missing or not what it may be, or the groups do not divide the channels.
   */
  constructor(rng: Rng, options: ConvTranspose1dLayerOptions) {
    super();
    const kinds = { ...conv1dLayerKinds, outputPadding: "count?" } as const;
    const given = readOptions<ConvTranspose1dLayerOptions>("ConvTranspose1d", options, kinds);
    const { kernelSize, stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1 } = given;
    const kernel = pair("ConvTranspose1d", "kernelSize", kernelSize, 1).slice(1);
    const { weight, bias } = convWeights("ConvTranspose1d", rng, kernel, given, true);
    this.weight = weight;
    this.bias = bias;
    this.#options = { stride, padding, outputPadding, dilation, groups };
  }

  /** @param x - NLC `[N, L, inChannels]`. @returns NLC `[N, OL, outChannels]`. */
  forward(x: Tensor): Tensor {
    return convTranspose1d(x, this.weight, this.bias, this.#options);
  }
}
