import { linear } from "../tensor/ops/linear.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { glorotNormal, type Initialiser, zerosInit } from "./initialisers.js";
import { Module, Parameter } from "./module.js";

/** Options of `Linear`. */
export interface LinearOptions {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default `glorotNormal`, which for a weight that stands for a feature map may want other fans. */
  readonly init?: Initialiser;
  /** Default zeros. */
  readonly biasInit?: Initialiser;
}

/** A dense layer over the last axis. `y[..., o] = bias[o] + sum_i x[..., i] weight[i, o]`. See `linear`. */
export class Linear extends Module {
  /** `[inFeatures, outFeatures]`. */
  readonly weight: Parameter;
  /** `[outFeatures]`, or `null`. */
  readonly bias: Parameter | null;

  /** @param rng - Draws the initial weights, and names the device. */
  constructor(rng: Rng, options: LinearOptions) {
    super();
    const { inFeatures, outFeatures, bias = true, init = glorotNormal, biasInit = zerosInit } = options;
    this.weight = Parameter.from(init(rng, [inFeatures, outFeatures]));
    this.bias = bias ? Parameter.from(biasInit(rng, [outFeatures])) : null;
  }

  /** @param x - `[..., inFeatures]`. @returns `[..., outFeatures]`. */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}
