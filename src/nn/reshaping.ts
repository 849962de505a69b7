/** Layers that only move elements. */
import { ShapeError } from "../kernels/errors.js";
import { checkInputs } from "../tensor/define-op.js";
import { type PixelShuffleOptions, pixelShuffle, pixelUnshuffle } from "../tensor/ops/pixel-shuffle.js";
import { reshape } from "../tensor/ops/reshape.js";
import { readOptions } from "../tensor/options.js";
import { describeShapes, resolveAxis, sizeOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { Module } from "./module.js";

/** Options of `Flatten`. */
export interface FlattenOptions {
  /** First axis that is merged. Default 1: all but the batch. */
  readonly startAxis?: number;
  /** Last axis that is merged. Default -1. */
  readonly endAxis?: number;
}

/**
 * Merges axes into one, by default all but the first. Channels-last images are flattened pixel by pixel: a dense layer that comes
 * from PyTorch expects all of a channel first, and needs its rows in another order.
 */
export class Flatten extends Module {
  readonly #options: Required<FlattenOptions>;

  /** @throws {ShapeError} when an option is unknown, or no whole number. */
  constructor(options: FlattenOptions = {}) {
    super();
    const given = readOptions<FlattenOptions>("Flatten", options, { startAxis: "number?", endAxis: "number?" });
    const { startAxis = 1, endAxis = -1 } = given;
    for (const [name, axis] of Object.entries({ startAxis, endAxis }))
      if (!Number.isInteger(axis)) throw new ShapeError(`Flatten: ${name} must be a whole number, got ${axis}`);
    this.#options = { startAxis, endAxis };
  }

  /** @param x - Any shape with these axes. @returns The axes merged. @throws {ShapeError} when the end lies before the start. */
  forward(x: Tensor): Tensor {
    checkInputs("Flatten", ["x"], [x], "any");
    const [start, end] = [this.#options.startAxis, this.#options.endAxis].map((axis) =>
      resolveAxis("Flatten", axis, x.rank),
    ) as [number, number];
    if (end < start) {
      throw new ShapeError(
        `Flatten: endAxis must not lie before startAxis, got ${end} and ${start}${describeShapes([["x", x.shape]])}`,
      );
    }
    const merged = sizeOf(x.shape.slice(start, end + 1));
    return reshape(x, { shape: [...x.shape.slice(0, start), merged, ...x.shape.slice(end + 1)] });
  }
}

/** Returns its input: a place in a network where nothing happens. */
export class Identity extends Module {
  /** @returns `x` itself. */
  forward(x: Tensor): Tensor {
    checkInputs("Identity", ["x"], [x], "any");
    return x;
  }
}

/** Turns channels into pixels. See `pixelShuffle`. */
export class PixelShuffle extends Module {
  readonly #options: PixelShuffleOptions;

  /** @throws {ShapeError} unless the factor is a whole number of at least 1. */
  constructor(options: PixelShuffleOptions) {
    super();
    this.#options = readOptions<PixelShuffleOptions>("PixelShuffle", options, { factor: "size" });
  }

  /** @param x - NHWC `[N, H, W, C factor^2]`. @returns NHWC `[N, H factor, W factor, C]`. */
  forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.#options);
  }
}

/** Turns pixels into channels. See `pixelUnshuffle`. */
export class PixelUnshuffle extends Module {
  readonly #options: PixelShuffleOptions;

  /** @throws {ShapeError} unless the factor is a whole number of at least 1. */
  constructor(options: PixelShuffleOptions) {
    super();
    this.#options = readOptions<PixelShuffleOptions>("PixelUnshuffle", options, { factor: "size" });
  }

  /** @param x - NHWC `[N, H factor, W factor, C]`. @returns NHWC `[N, H, W, C factor^2]`. */
  forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.#options);
  }
}
