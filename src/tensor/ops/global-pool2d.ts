/** Pooling of whole planes. */
import { checkCall, checkInputs } from "../define-op.js";
import { adaptiveGeometry } from "../pool-window.js";
import { rank4 } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { defineMaxPool } from "./max-pool2d.js";
import { reshape } from "./reshape.js";
import { mean } from "./sum.js";

/** Options of `globalAvgPool2d` and `globalMaxPool2d`. */
export interface GlobalPool2dOptions {
  /** Keep the plane as one pixel: `[N, 1, 1, C]`. Default false. */
  readonly keepDims?: boolean;
}

/**
 * The mean of every plane. `y[n,c] = mean over h, w of x[n,h,w,c]`
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param options - `keepDims` default false.
 * @returns `[N, C]`, or `[N, 1, 1, C]`; NaN where a plane has no pixels.
 * @throws {ShapeError} when `x` has not 4 axes.
 */
export function globalAvgPool2d(x: Tensor, options: GlobalPool2dOptions = {}): Tensor {
  const { keepDims = false } = checkCall("globalAvgPool2d", { x }, options, { keepDims: "boolean?" });
  checkInputs("globalAvgPool2d", ["x"], [x]);
  rank4("globalAvgPool2d", "x", x.shape);
  return mean(x, { axes: [1, 2], keepDims });
}

const planes = defineMaxPool("globalMaxPool2d", (x) => adaptiveGeometry("globalMaxPool2d", x, { size: 1 }), {});

/**
 * The largest element of every plane. NaN wins; the gradient goes to the first maximum in row-major order, where `max` over the two
 * axes would share it.
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param options - `keepDims` default false.
 * @returns `[N, C]`, or `[N, 1, 1, C]`.
 * @throws {ShapeError} when `x` has not 4 axes, or no pixels.
 */
export function globalMaxPool2d(x: Tensor, options: GlobalPool2dOptions = {}): Tensor {
  const { keepDims = false } = checkCall("globalMaxPool2d", { x }, options, { keepDims: "boolean?" });
  const y = planes(x);
  return keepDims ? y : reshape(y, { shape: [y.shape[0] as number, y.shape[3] as number] });
}
