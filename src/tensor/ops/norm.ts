import { DTypeError, ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { describeShapes } from "../shape.js";
import { constant, type Tensor } from "../tensor.js";
import { roundedOnce } from "./cast.js";
import { abs, equal, pow, sign, where } from "./elementwise.js";
import { max, min } from "./max.js";
import { type ReduceOptions, reducedShape, reduceKinds, sum } from "./sum.js";
import { sumAbs, sumSquares } from "./sum-squares.js";
import { rootOrZero } from "./variance.js";

/** Options of `norm`. */
export interface NormOptions extends ReduceOptions {
  /** The order: any number, `Infinity` or `-Infinity`. Default 2. */
  readonly p?: number;
}

/** `x^p` for x >= 0, whose gradient at 0 is 0. */
export function flatAtZero(x: Tensor, p: number): Tensor {
  const [zero, one] = [constant(x.device, 0), constant(x.device, 1)];
  const none = equal(x, zero);
  return where(none, constant(x.device, p < 0 ? Infinity : 0), pow(where(none, one, x), constant(x.device, p)));
}

/**
 * The vector norm over axes. `y = (sum |x|^p)^(1/p)`; the largest magnitude for p = Infinity, the smallest for -Infinity, the
 * number of elements that are not 0 for p = 0.
 *
 * The gradient where a norm is 0 is 0; equal largest (smallest) magnitudes share it; for p = 0 it is 0.
 *
 * @param x - Any shape, f32.
 * @param options - `p` (default 2), `axes` (default all), `keepDims` (default false).
 * @returns `x`'s shape without the axes, or with size 1 there.
 * @throws {ShapeError} when an axis does not exist or is named twice, `p` is NaN, or there is no largest or smallest of no elements.
 * @throws {DTypeError} when `x` is not f32.
 * @see `torch.linalg.vector_norm`.
 */
export function norm(x: Tensor, given: NormOptions = {}): Tensor {
  const { p = 2, ...options } = checkCall("norm", { x }, given, { ...reduceKinds, p: "number?" });
  if (x.dtype === "f16") return roundedOnce(x, (wide) => norm(wide, { p, ...options }));
  if (x.dtype !== "f32") throw new DTypeError(`norm: x must be f32, got ${x.dtype}`);
  if (Number.isNaN(p)) throw new ShapeError(`norm: p must be a number, got ${p}`);
  const { axes, shape } = reducedShape("norm", x.shape, options);
  const empty = axes.find((axis) => x.shape[axis] === 0);
  if ((p < 0 || p === Infinity) && empty !== undefined && shape.every((size) => size > 0)) {
    throw new ShapeError(
      `norm: needs an element for p = ${p}, got size 0 on axis ${empty}${describeShapes([["x", x.shape]])}`,
    );
  }
  if (p === 2) return rootOrZero(sumSquares(x, options));
  if (p === 1) return sumAbs(x, options);
  if (p === Infinity) return max(abs(x), options);
  if (p === -Infinity) return min(abs(x), options);
  if (p !== 0) return flatAtZero(sum(flatAtZero(abs(x), p), options), 1 / p);
  // The sign of 0 is 0, and its gradient everywhere.
  return sum(where(equal(x, constant(x.device, 0)), sign(x), constant(x.device, 1)), options);
}
