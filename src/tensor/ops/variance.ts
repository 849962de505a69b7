import { DTypeError, ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { describeShapes, sizeOf } from "../shape.js";
import { constant, type Tensor } from "../tensor.js";
import { roundedOnce } from "./cast.js";
import { div, equal, sqrt, sub, where } from "./elementwise.js";
import { isFinite as finite } from "./logic.js";
import { mean, type ReduceOptions, reducedShape, reduceKinds } from "./sum.js";
import { sumSquares } from "./sum-squares.js";

/** Options of `variance` and `std`. */
export interface VarianceOptions extends ReduceOptions {
  /** What is subtracted from the number of elements before dividing by it. Default 1 (unbiased); 0 for the mean of squares. */
  readonly correction?: number;
}

const kinds = { ...reduceKinds, correction: "number?" } as const;

function check(op: string, x: Tensor, { correction = 1, ...options }: VarianceOptions) {
  if (x.dtype !== "f32") throw new DTypeError(`${op}: x must be f32, got ${x.dtype}`);
  const { axes } = reducedShape(op, x.shape, options);
  if (!(Number.isFinite(correction) && correction >= 0))
    throw new ShapeError(
      `${op}: correction must be a number >= 0, got ${correction}${describeShapes([["x", x.shape]])}`,
    );
  const count = sizeOf(axes.map((axis) => x.shape[axis] as number));
  return { axes, divisor: Math.max(0, count - correction) };
}

function varianceOf(x: Tensor, axes: readonly number[], divisor: number, keepDims: boolean): Tensor {
  // The variance does not change when all elements move: about a rounded mean, differences are exact, and so is their own mean.
  const center = x.device.noGrad(() => mean(x, { axes, keepDims: true }));
  const moved = sub(x, center);
  const rest = mean(moved, { axes, keepDims: true });
  // An infinite element leaves nothing to centre; PyTorch's gradient of the others is infinite, not NaN.
  const centred = sub(moved, where(finite(rest), rest, constant(x.device, 0)));
  const squares = sumSquares(centred, { axes, keepDims });
  return div(squares, constant(x.device, divisor));
}

/**
 * The variance over axes. `y = sum (x - mean x)^2 / max(0, n - correction)`
 *
 * Accurate whatever the mean is: the elements are centred twice, so that the rounding of the mean itself does not show.
 *
 * @param x - Any shape, f32.
 * @param options - `axes` (default all), `keepDims` (default false), `correction` (default 1, as in PyTorch; NumPy's is 0).
 * @returns `x`'s shape without the axes, or with size 1 there; NaN for fewer elements than `correction` needs.
 * @throws {ShapeError} when an axis does not exist or is named twice, or `correction` is negative.
 * @throws {DTypeError} when `x` is not f32.
 */
export function variance(x: Tensor, options: VarianceOptions = {}): Tensor {
  checkCall("variance", { x }, options, kinds);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => variance(wide, options));
  const { axes, divisor } = check("variance", x, options);
  return varianceOf(x, axes, divisor, options.keepDims ?? false);
}

/** Square root whose gradient at 0 is 0, as that of PyTorch's `std` and `norm`. */
export function rootOrZero(x: Tensor): Tensor {
  const [zero, one] = [constant(x.device, 0), constant(x.device, 1)];
  const none = equal(x, zero);
  return where(none, zero, sqrt(where(none, one, x)));
}

/** The standard deviation over axes: the root of `variance`, with the same options. Its gradient where it is 0 is 0. */
export function std(x: Tensor, options: VarianceOptions = {}): Tensor {
  checkCall("std", { x }, options, kinds);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => std(wide, options));
  const { axes, divisor } = check("std", x, options);
  return rootOrZero(varianceOf(x, axes, divisor, options.keepDims ?? false));
}
