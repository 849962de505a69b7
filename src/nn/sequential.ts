import { ShapeError } from "../kernels/errors.js";
import { checkInputs } from "../tensor/define-op.js";
import { checkKind, show } from "../tensor/options.js";
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

  /** @throws {ShapeError} unless each is a module with a `forward`, or a function. */
  constructor(layers: readonly (Layer | Activation)[]) {
    super();
    checkKind("Sequential", "layers", layers, "list");
    const wrong = layers.findIndex(
      (layer) => !(layer instanceof Module && "forward" in layer) && typeof layer !== "function",
    );
    if (wrong >= 0)
      throw new ShapeError(
        `Sequential: layers must be modules or functions, got ${show(layers[wrong])} at index ${wrong}`,
      );
    this.layers = [...layers];
  }

  /** @returns What the last layer returns; `x` itself where there is none. */
  forward(x: Tensor): Tensor {
    checkInputs("Sequential", ["x"], [x], "any");
    return this.layers.reduce((input, layer) => (layer instanceof Module ? layer.forward(input) : layer(input)), x);
  }
}
