import { type Upsample2dOptions, upsample2d, upsample2dKinds } from "../tensor/ops/upsample2d.js";
import { readOptions } from "../tensor/options.js";
import { pair } from "../tensor/pair.js";
import { checkTarget, samplingOf, scaled } from "../tensor/resizing.js";
import type { Tensor } from "../tensor/tensor.js";
import { Module } from "./module.js";

/** Resizes images. See `upsample2d` for the options. */
export class Upsample2d extends Module {
  readonly #options: Upsample2dOptions;

  /** @throws {ShapeError} when an option is unknown, or not what it may be. */
  constructor(options: Upsample2dOptions) {
    super();
    this.#options = readOptions<Upsample2dOptions>("Upsample2d", options, upsample2dKinds);
    samplingOf("Upsample2d", this.#options);
    checkTarget("Upsample2d", this.#options);
    if (options.size === undefined) scaled("Upsample2d", [1, 1], options.scale);
    else pair("Upsample2d", "size", options.size, 1);
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns NHWC `[N, H scale, W scale, C]`. */
  forward(x: Tensor): Tensor {
    return upsample2d(x, this.#options);
  }
}
