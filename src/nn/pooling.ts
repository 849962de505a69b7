/** The poolings as layers. */
import { adaptiveAvgPool2d, adaptiveMaxPool2d } from "../tensor/ops/adaptive-pool2d.js";
import { type AvgPool2dOptions, avgPool2d, avgPool2dKinds } from "../tensor/ops/avg-pool2d.js";
import { type GlobalPool2dOptions, globalAvgPool2d, globalMaxPool2d } from "../tensor/ops/global-pool2d.js";
import { type MaxPool2dOptions, maxPool2d, maxPool2dKinds } from "../tensor/ops/max-pool2d.js";
import {
  type AvgPool1dOptions,
  avgPool1d,
  type MaxPool1dOptions,
  maxPool1d,
  type Pool1dOptions,
  pool1dKinds,
} from "../tensor/ops/pool1d.js";
import { type Kinds, readOptions } from "../tensor/options.js";
import { pair } from "../tensor/pair.js";
import { type AdaptivePoolOptions, checkPooling, type PoolOptions } from "../tensor/pool-window.js";
import type { Tensor } from "../tensor/tensor.js";
import { Module } from "./module.js";

/** The options of a pooling, each checked as far as it can be without an input. */
function readPool<O extends Pool1dOptions | PoolOptions>(op: string, options: O, kinds: Kinds<O>): O {
  checkPooling(op, readOptions<O>(op, options, kinds));
  return options;
}

function readAdaptive(op: string, options: AdaptivePoolOptions): AdaptivePoolOptions {
  pair(op, "size", readOptions<AdaptivePoolOptions>(op, options, { size: "any" }).size, 1);
  return options;
}

/** The largest element of each window. See `maxPool2d` for the options. */
export class MaxPool2d extends Module {
  readonly #options: MaxPool2dOptions;

  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(options: MaxPool2dOptions) {
    super();
    this.#options = readPool("MaxPool2d", options, maxPool2dKinds);
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns NHWC `[N, OH, OW, C]`. */
  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.#options);
  }
}

/** The mean of each window. See `avgPool2d` for the options. */
export class AvgPool2d extends Module {
  readonly #options: AvgPool2dOptions;

  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(options: AvgPool2dOptions) {
    super();
    this.#options = readPool("AvgPool2d", options, avgPool2dKinds);
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns NHWC `[N, OH, OW, C]`. */
  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.#options);
  }
}

/** The means of as many windows as asked for. See `adaptiveAvgPool2d` for the options. */
export class AdaptiveAvgPool2d extends Module {
  readonly #options: AdaptivePoolOptions;

  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(options: AdaptivePoolOptions) {
    super();
    this.#options = readAdaptive("AdaptiveAvgPool2d", options);
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns NHWC `[N, ...size, C]`. */
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.#options);
  }
}

/** The maxima of as many windows as asked for. See `adaptiveMaxPool2d` for the options. */
export class AdaptiveMaxPool2d extends Module {
  readonly #options: AdaptivePoolOptions;

  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(options: AdaptivePoolOptions) {
    super();
    this.#options = readAdaptive("AdaptiveMaxPool2d", options);
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns NHWC `[N, ...size, C]`. */
  forward(x: Tensor): Tensor {
    return adaptiveMaxPool2d(x, this.#options);
  }
}

/** The mean of every plane. See `globalAvgPool2d` for the options. */
export class GlobalAvgPool2d extends Module {
  readonly #options: GlobalPool2dOptions;

  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(options: GlobalPool2dOptions = {}) {
    super();
    this.#options = readOptions<GlobalPool2dOptions>("GlobalAvgPool2d", options, { keepDims: "boolean?" });
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns `[N, C]`, or `[N, 1, 1, C]` with `keepDims`. */
  forward(x: Tensor): Tensor {
    return globalAvgPool2d(x, this.#options);
  }
}

/** The largest element of every plane. See `globalMaxPool2d` for the options. */
export class GlobalMaxPool2d extends Module {
  readonly #options: GlobalPool2dOptions;

  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(options: GlobalPool2dOptions = {}) {
    super();
    this.#options = readOptions<GlobalPool2dOptions>("GlobalMaxPool2d", options, { keepDims: "boolean?" });
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns `[N, C]`, or `[N, 1, 1, C]` with `keepDims`. */
  forward(x: Tensor): Tensor {
    return globalMaxPool2d(x, this.#options);
  }
}

/** The largest element of each window along the length. See `maxPool1d` for the options. */
export class MaxPool1d extends Module {
  readonly #options: MaxPool1dOptions;

  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(options: MaxPool1dOptions) {
    super();
    this.#options = readPool("MaxPool1d", options, { ...pool1dKinds, dilation: "number?" });
  }

  /** @param x - NLC `[N, L, C]`. @returns NLC `[N, OL, C]`. */
  forward(x: Tensor): Tensor {
    return maxPool1d(x, this.#options);
  }
}

/** The mean of each window along the length. See `avgPool1d` for the options. */
export class AvgPool1d extends Module {
  readonly #options: AvgPool1dOptions;

  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(options: AvgPool1dOptions) {
    super();
    this.#options = readPool("AvgPool1d", options, { ...pool1dKinds, countIncludePad: "boolean?" });
  }

  /** @param x - NLC `[N, L, C]`. @returns NLC `[N, OL, C]`. */
  forward(x: Tensor): Tensor {
    return avgPool1d(x, this.#options);
  }
}
