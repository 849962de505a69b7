import { ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { computedAs } from "../host-values.js";
import { constant, type Tensor } from "../tensor.js";
import { clampBetween } from "./elementwise.js";

/** What a limit that is not given stands for. The kernel compares bits, so infinities are safe. */
const ends = {
  f32: { lowest: -Infinity, highest: Infinity },
  i32: { lowest: -(2 ** 31), highest: 2 ** 31 - 1 },
  u32: { lowest: 0, highest: 2 ** 32 - 1 },
} as const;

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
export function clamp(x: Tensor, options: ClampOptions): Tensor {
  const { min, max } = checkCall("clamp", { x }, options, { min: "number?", max: "number?" });
  if (min === undefined && max === undefined) throw new ShapeError("clamp: needs min or max, got neither");
  if (Number.isNaN(min) || Number.isNaN(max) || (min ?? -Infinity) > (max ?? Infinity))
    throw new ShapeError(`clamp: min must not exceed max, got ${min} and ${max}`);
  const { lowest, highest } = x.dtype === "i32" || x.dtype === "u32" ? ends[x.dtype] : ends.f32;
  const low = constant(x.device, Math.max(min ?? -Infinity, lowest), computedAs(x.dtype));
  const high = constant(x.device, Math.min(max ?? Infinity, highest), computedAs(x.dtype));
  return clampBetween(x, low, high);
}
