import { ShapeError } from "../../kernels/errors.js";
import { constant, type Tensor } from "../tensor.js";
import { clampBetween, greater, less, where } from "./elementwise.js";

/** Options of `clamp`: at least one of them. */
export interface ClampOptions {
  /** Lower limit. Default: none. */
  readonly min?: number;
  /** Upper limit. Default: none. */
  readonly max?: number;
}

/**
 * Limits every element. `y = min(max(x, options.min), options.max)`
 *
 * The gradient passes where `min <= x <= max`, the limits included. NaN stays NaN.
 *
 * @param x - Any shape; f32, i32 or u32.
 * @param options - `min`, `max`: plain numbers, either or both. For limits that are tensors see `clampBetween`.
 * @throws {ShapeError} when neither is given, one is NaN, or `min` exceeds `max`.
 */
export function clamp(x: Tensor, { min, max }: ClampOptions): Tensor {
  if (min === undefined && max === undefined) throw new ShapeError("clamp: needs min or max, got neither");
  if (Number.isNaN(min) || Number.isNaN(max) || (min ?? -Infinity) > (max ?? Infinity))
    throw new ShapeError(`clamp: min must not exceed max, got ${min} and ${max}`);
  // A limit at infinity is none, and infinities must not reach WGSL.
  const low = min === undefined || min === -Infinity ? null : constant(x.device, min, x.dtype);
  const high = max === undefined || max === Infinity ? null : constant(x.device, max, x.dtype);
  if (low && high) return clampBetween(x, low, high);
  // `maximum` would share the gradient at the limit.
  if (low) return where(less(x, low), low, x);
  return high ? where(greater(x, high), high, x) : x;
}
