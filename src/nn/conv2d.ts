import { ShapeError } from "../kernels/errors.js";
import type { Conv2dOptions } from "../tensor/conv2d-geometry.js";
import { conv2d } from "../tensor/ops/conv2d.js";
import { type Pair, pair } from "../tensor/pair.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { glorotNormal, type Initialiser, zerosInit } from "./initialisers.js";
import { Module, Parameter } from "./module.js";

/** Options of `Conv2d`: those of `conv2d`, and what the weights are. */
export interface Conv2dLayerOptions extends Conv2dOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  /** One number, or `[rows, columns]`. */
  readonly kernelSize: Pair;
  /** Default true. */
  readonly bias?: boolean;
  /** Default `glorotNormal`. */
  readonly init?: Initialiser;
  /** Default zeros. */
  readonly biasInit?: Initialiser;
}

/** A convolution with trained filters. See `conv2d` for `stride`, `padding`, `dilation` and `groups`. */
export class Conv2d extends Module {
  /** HWIO `[KH, KW, inChannels / groups, outChannels]`. */
  readonly weight: Parameter;
  /** `[outChannels]`, or `null`. */
  readonly bias: Parameter | null;
  readonly #options: Conv2dOptions;

  /**
   * @param rng - Draws the initial filters, and names the device.
   * @throws {ShapeError} when the groups do not divide both numbers of channels.
   */
  constructor(rng: Rng, options: Conv2dLayerOptions) {
    super();
    const {
      inChannels,
      outChannels,
      kernelSize,
      bias = true,
      init = glorotNormal,
      biasInit = zerosInit,
      ...rest
    } = options;
    const { groups = 1 } = rest;
    if (!(groups >= 1) || inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new ShapeError(
        `Conv2d: groups must divide inChannels and outChannels, got ${groups} for ${inChannels} and ${outChannels}`,
      );
    }
    const [rows, columns] = pair("Conv2d", "kernelSize", kernelSize, 1);
    this.weight = Parameter.from(init(rng, [rows, columns, inChannels / groups, outChannels]));
    this.bias = bias ? Parameter.from(biasInit(rng, [outChannels])) : null;
    this.#options = rest;
  }

  /** @param x - NHWC `[N, H, W, inChannels]`. @returns NHWC `[N, OH, OW, outChannels]`. */
  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.#options);
  }
}
