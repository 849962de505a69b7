import { DTypeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { sizeOf } from "../shape.js";
import { constant, full, type Tensor } from "../tensor.js";
import { roundedOnce } from "./cast.js";
import { abs, add, exp, lessEqual, log, sub, where } from "./elementwise.js";
import { max } from "./max.js";
import { reshape } from "./reshape.js";
import { type ReduceOptions, reducedShape, reduceKinds, sum } from "./sum.js";

/**
 * The logarithm of the sum of exponentials over axes, without overflow. `y = log(sum exp x)`
 *
 * @param x - Any shape, f32; -Infinity adds nothing.
 * @param options - `axes` (default all), `keepDims` (default false).
 * @returns `x`'s shape without the axes, or with size 1 there; -Infinity where there are no elements.
 * @throws {ShapeError} when an axis does not exist or is named twice.
 * @throws {DTypeError} when `x` is not f32.
 */
export function logSumExp(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkCall("logSumExp", { x }, options, reduceKinds);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => logSumExp(wide, options));
  if (x.dtype !== "f32") throw new DTypeError(`logSumExp: x must be f32, got ${x.dtype}`);
  const { axes, kept, shape } = reducedShape("logSumExp", x.shape, options);
  if (sizeOf(shape) > 0 && x.size === 0) return full(x.device, shape, -Infinity);
  // Any shift gives the same value: the largest element, unless it is infinite.
  const shift = x.device.noGrad(() => {
    const largest = max(x, { axes, keepDims: true });
    const finite = lessEqual(abs(largest), constant(x.device, 3.4028234663852886e38));
    return where(finite, largest, constant(x.device, 0));
  });
  const total = log(sum(exp(sub(x, shift)), { axes, keepDims: true }));
  return reshape(add(total, shift), { shape: options.keepDims ? kept : shape });
}
