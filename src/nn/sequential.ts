import type { Tensor } from "../tensor/tensor.js";
import { type Activation, type Layer, Module } from "./module.js";

/**
 * Layers and functions one after the other.
 *
 * @example
 * new Sequential([new Linear(rng, { inFeatures: 2, outFeatures: 8 }), tanh, new Linear(rng, { inFeatures: 8, outFeatures: 1 })]);
 */
export class Sequential extends Module {
  readonly layers: readonly (Layer | Activation)[];

  constructor(layers: readonly (Layer | Activation)[]) {
    super();
    this.layers = [...layers];
  }

  /** @returns What the last layer returns; `x` itself where there is none. */
  forward(x: Tensor): Tensor {
    return this.layers.reduce((input, layer) => (layer instanceof Module ? layer.forward(input) : layer(input)), x);
  }
}
