import { DTypeError, ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { broadcastShapes, describeShapes, sameShape } from "../shape.js";
import { constant, type Tensor } from "../tensor.js";
import { where } from "./logic.js";

/** Options of `maskedFill`. */
export interface MaskedFillOptions {
  /** What stands where the mask is true. */
  readonly value: number;
}

/**
 * `value` where the mask is true, else `x`. The gradient passes where it is false.
 *
 * @param x - Any shape and element type but bool.
 * @param mask - bool, of a shape that broadcasts to `x`'s.
 * @param options - `value`.
 * @returns `x`'s shape and element type.
 * @throws {ShapeError} when the mask does not broadcast to `x`.
 * @throws {DTypeError} when the mask is not bool, or `x` cannot hold the value.
 * @see `torch.Tensor.masked_fill`.
 *
 * @example
 * const scores = tensor(device, [[2, 1, 5], [3, 4, 7]]);
 * const weights = softmax(maskedFill(scores, tensor(device, [false, false, true]), { value: -Infinity }));
 */
export function maskedFill(x: Tensor, mask: Tensor, options: MaskedFillOptions): Tensor {
  const { value } = checkCall("maskedFill", { x, mask }, options, { value: "number" });
  if (mask.dtype !== "bool") throw new DTypeError(`maskedFill: mask must be bool, got ${mask.dtype}`);
  if (x.dtype === "bool") throw new DTypeError("maskedFill: x must be numbers, got bool; where takes bools");
  const shapes = [["x", x.shape] as const, ["mask", mask.shape] as const];
  if (!sameShape(broadcastShapes("maskedFill", shapes), x.shape))
    throw new ShapeError(`maskedFill: mask must broadcast to x's shape${describeShapes(shapes)}`);
  return where(mask, constant(x.device, value, x.dtype), x);
}
