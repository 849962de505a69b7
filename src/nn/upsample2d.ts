import { type Upsample2dOptions, upsample2d } from "../tensor/ops/upsample2d.js";
import type { Tensor } from "../tensor/tensor.js";
import { Module } from "./module.js";

/** Resizes images. See `upsample2d` for the options. */
export class Upsample2d extends Module {
  readonly #options: Upsample2dOptions;

  constructor(options: Upsample2dOptions) {
    super();
    this.#options = options;
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns NHWC `[N, H scale, W scale, C]`. */
  forward(x: Tensor): Tensor {
    return upsample2d(x, this.#options);
  }
}
