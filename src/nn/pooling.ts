/** The poolings as layers. */
import { adaptiveAvgPool2d, adaptiveMaxPool2d } from "../tensor/ops/adaptive-pool2d.js";
import { type AvgPool2dOptions, avgPool2d } from "../tensor/ops/avg-pool2d.js";
import { type GlobalPool2dOptions, globalAvgPool2d, globalMaxPool2d } from "../tensor/ops/global-pool2d.js";
import { type MaxPool2dOptions, maxPool2d } from "../tensor/ops/max-pool2d.js";
import { type AvgPool1dOptions, avgPool1d, type MaxPool1dOptions, maxPool1d } from "../tensor/ops/pool1d.js";
import type { AdaptivePoolOptions } from "../tensor/pool-window.js";
import type { Tensor } from "../tensor/tensor.js";
import { Module } from "./module.js";

/** The largest element of each window. See `maxPool2d` for the options. */
export class MaxPool2d extends Module {
  readonly #options: MaxPool2dOptions;

  constructor(options: MaxPool2dOptions) {
    super();
    this.#options = options;
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns NHWC `[N, OH, OW, C]`. */
  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.#options);
  }
}

/** The mean of each window. See `avgPool2d` for the options. */
export class AvgPool2d extends Module {
  readonly #options: AvgPool2dOptions;

  constructor(options: AvgPool2dOptions) {
    super();
    this.#options = options;
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns NHWC `[N, OH, OW, C]`. */
  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.#options);
  }
}

/** The means of as many windows as asked for. See `adaptiveAvgPool2d` for the options. */
export class AdaptiveAvgPool2d extends Module {
  readonly #options: AdaptivePoolOptions;

  constructor(options: AdaptivePoolOptions) {
    super();
    this.#options = options;
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns NHWC `[N, ...size, C]`. */
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.#options);
  }
}

/** The maxima of as many windows as asked for. See `adaptiveMaxPool2d` for the options. */
export class AdaptiveMaxPool2d extends Module {
  readonly #options: AdaptivePoolOptions;

  constructor(options: AdaptivePoolOptions) {
    super();
    this.#options = options;
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns NHWC `[N, ...size, C]`. */
  forward(x: Tensor): Tensor {
    return adaptiveMaxPool2d(x, this.#options);
  }
}

/** The mean of every plane. See `globalAvgPool2d` for the options. */
export class GlobalAvgPool2d extends Module {
  readonly #options: GlobalPool2dOptions;

  constructor(options: GlobalPool2dOptions = {}) {
    super();
    this.#options = options;
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns `[N, C]`, or `[N, 1, 1, C]` with `keepDims`. */
  forward(x: Tensor): Tensor {
    return globalAvgPool2d(x, this.#options);
  }
}

/** The largest element of every plane. See `globalMaxPool2d` for the options. */
export class GlobalMaxPool2d extends Module {
  readonly #options: GlobalPool2dOptions;

  constructor(options: GlobalPool2dOptions = {}) {
    super();
    this.#options = options;
  }

  /** @param x - NHWC `[N, H, W, C]`. @returns `[N, C]`, or `[N, 1, 1, C]` with `keepDims`. */
  forward(x: Tensor): Tensor {
    return globalMaxPool2d(x, this.#options);
  }
}

/** The largest element of each window along the length. See `maxPool1d` for the options. */
export class MaxPool1d extends Module {
  readonly #options: MaxPool1dOptions;

  constructor(options: MaxPool1dOptions) {
    super();
    this.#options = options;
  }

  /** @param x - NLC `[N, L, C]`. @returns NLC `[N, OL, C]`. */
  forward(x: Tensor): Tensor {
    return maxPool1d(x, this.#options);
  }
}

/** The mean of each window along the length. See `avgPool1d` for the options. */
export class AvgPool1d extends Module {
  readonly #options: AvgPool1dOptions;

  constructor(options: AvgPool1dOptions) {
    super();
    this.#options = options;
  }

  /** @param x - NLC `[N, L, C]`. @returns NLC `[N, OL, C]`. */
  forward(x: Tensor): Tensor {
    return avgPool1d(x, this.#options);
  }
}
