/** Losses, made of ops: each returns a scalar. */
import { ShapeError } from "../kernels/errors.js";
import { abs, add, div, maximum, mul, pow, sqrt, square, sub } from "../tensor/ops/elementwise.js";
import { slice } from "../tensor/ops/slice.js";
import { mean, sum } from "../tensor/ops/sum.js";
import { formatShape, rank4 } from "../tensor/shape.js";
import { checkSameShape, constant, type Tensor } from "../tensor/tensor.js";

/**
 * Mean squared error: `mean (prediction - target)^2` over all elements.
 *
 * @throws {ShapeError} unless both have the same shape: nothing is broadcast.
 */
export function mse(prediction: Tensor, target: Tensor): Tensor {
  checkSameShape("mse", ["prediction", prediction], ["target", target]);
  return mean(square(sub(prediction, target)));
}

/**
 * Mean absolute error: `mean |prediction - target|` over all elements. Its gradient where they are equal is 0.
 *
 * @throws {ShapeError} unless both have the same shape: nothing is broadcast.
 */
export function l1(prediction: Tensor, target: Tensor): Tensor {
  checkSameShape("l1", ["prediction", prediction], ["target", target]);
  return mean(abs(sub(prediction, target)));
}

/** Options of `cosineSimilarity`. */
export interface CosineSimilarityOptions {
  /** Smallest squared length that a row is divided by; a shorter row counts as having this one. Default 1e-12, as in Keras. */
  readonly eps?: number;
}

/**
 * The cosine between corresponding rows (last axis), averaged over the rows: 1 where they point the same way. A similarity:
 * subtract it from a loss.
 *
 * `mean over rows of x.y / (sqrt(max(x.x, eps)) sqrt(max(y.y, eps)))`; a row of zeros gives 0, and a finite gradient.
 *
 * @param x - `[..., V]`.
 * @param y - `x`'s shape.
 * @throws {ShapeError} unless both have the same shape, of at least one axis.
 */
export function cosineSimilarity(x: Tensor, y: Tensor, { eps = 1e-12 }: CosineSimilarityOptions = {}): Tensor {
  checkSameShape("cosineSimilarity", ["x", x], ["y", y]);
  if (x.rank === 0) throw new ShapeError("cosineSimilarity: x must have at least 1 axis, got 0");
  const along = { axes: -1 };
  const length = (v: Tensor) => sqrt(maximum(sum(square(v), along), constant(v.device, eps)));
  return mean(div(sum(mul(x, y), along), mul(length(x), length(y))));
}

/** Options of `totalVariation`. */
export interface TotalVariationOptions {
  /** Power of the squared gradient: 0.5 is the classical form, 1 the squared one, 1.25 what the paper's code uses. Default 1.25. */
  readonly exponent?: number;
  /** Added to the squared gradient. Default 0; give some where the exponent is below 1, whose slope has no end in flat regions. */
  readonly eps?: number;
}

/**
 * Total variation: `mean (dx^2 + dy^2 + eps)^exponent` over images, pixels and channels, with `dx`, `dy` the differences to the
 * next column and row. The last row and column only serve as neighbours.
 *
 * @param x - NHWC `[N, H, W, C]`, H and W at least 2.
 * @throws {ShapeError} when it is not.
 * @see Rudin, Osher & Fatemi 1992; Mahendran & Vedaldi 2015, section 3 (the exponent is half their beta).
 */
export function totalVariation(x: Tensor, { exponent = 1.25, eps = 0 }: TotalVariationOptions = {}): Tensor {
  const [, H, W] = rank4("totalVariation", "x", x.shape);
  if (H < 2 || W < 2)
    throw new ShapeError(`totalVariation: x must be at least 2 x 2 pixels, got ${H} x ${W} in ${formatShape(x.shape)}`);
  const here = slice(x, { start: [0, 0, 0], end: [null, H - 1, W - 1] });
  const right = slice(x, { start: [0, 0, 1], end: [null, H - 1, W] });
  const below = slice(x, { start: [0, 1, 0], end: [null, H, W - 1] });
  const squared = add(square(sub(right, here)), square(sub(below, here)));
  const shifted = eps === 0 ? squared : add(squared, constant(x.device, eps));
  return mean(pow(shifted, constant(x.device, exponent)));
}
