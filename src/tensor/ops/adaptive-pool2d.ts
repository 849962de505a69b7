/** Pooling to an output size: windows that divide the plane as evenly as whole pixels allow. */
import type { Op } from "../define-op.js";
import { type AdaptivePoolOptions, adaptiveGeometry } from "../pool-window.js";
import { defineAvgPool } from "./avg-pool2d.js";
import { defineMaxPool } from "./max-pool2d.js";

/**
 * The mean of each of `size` windows; window `o` of `O` covers the rows `floor(o H / O)` to `ceil((o + 1) H / O) - 1`, and
 * columns likewise.
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param options - `size`: `[OH, OW]`, or one number for both; may exceed `H` and `W`.
 * @returns NHWC `[N, OH, OW, C]`.
 * @throws {ShapeError} when `x` has not 4 axes, has no pixels, or a size is not whole and positive.
 * @see `torch.nn.functional.adaptive_avg_pool2d`, channels last.
 */
export const adaptiveAvgPool2d: Op<readonly ["x"], AdaptivePoolOptions> = defineAvgPool(
  "adaptiveAvgPool2d",
  (x, options) => ({
    geometry: adaptiveGeometry("adaptiveAvgPool2d", x, options),
    countIncludePad: false,
    divisor: 0,
  }),
  { size: "any" },
);

/**
 * The largest element of each of `size` windows, which are those of `adaptiveAvgPool2d`. NaN wins; the gradient goes to the first
 * maximum in row-major order.
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param options - `size`: `[OH, OW]`, or one number for both; may exceed `H` and `W`.
 * @returns NHWC `[N, OH, OW, C]`.
 * @throws {ShapeError} when `x` has not 4 axes, has no pixels, or a size is not whole and positive.
 * @see `torch.nn.functional.adaptive_max_pool2d`, channels last.
 */
export const adaptiveMaxPool2d: Op<readonly ["x"], AdaptivePoolOptions> = defineMaxPool(
  "adaptiveMaxPool2d",
  (x, options) => adaptiveGeometry("adaptiveMaxPool2d", x, options),
  { size: "any" },
);
