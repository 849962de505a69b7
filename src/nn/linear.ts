import { linear } from "../tensor/ops/linear.js";
import { checkKind, readOptions } from "../tensor/options.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { glorotNormal, type Initialiser, initialParameter, weightKinds, zerosInit } from "./initialisers.js";
import { Module, type Parameter } from "./module.js";

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

  /**
   * @param rng - Draws the initial weights, and names the device.
   * @throws {ShapeError} when an option is unknown, missing or not what it may be.
   */
  constructor(rng: Rng, options: LinearOptions) {
    super();
    checkKind("Linear", "rng", rng, "rng");
    const kinds = { inFeatures: "count", outFeatures: "count", ...weightKinds } as const;
    const given = readOptions<LinearOptions>("Linear", options, kinds);
    const { inFeatures, outFeatures, bias = true, init = glorotNormal, biasInit = zerosInit } = given;
    this.weight = initialParameter("Linear", rng, [inFeatures, outFeatures], init);
    this.bias = bias ? initialParameter("Linear", rng, [outFeatures], biasInit) : null;
  }

  /** @param x - `[..., inFeatures]`. @returns `[..., outFeatures]`. */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}
