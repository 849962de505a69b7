import { ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { checkShape, describeShapes, resolveAxes, resolveAxis, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { reshape } from "./reshape.js";

/** Options of `squeeze`. */
export interface SqueezeOptions {
  /** Axes of size 1 to drop; negative ones count from the end. Default: all of size 1. */
  readonly axes?: readonly number[] | number;
}

/**
 * Drops axes of size 1; shares the memory of `x`.
 *
 * @param x - Any shape and element type.
 * @param options - `axes` (default: all of size 1).
 * @throws {ShapeError} when an axis does not exist, is named twice, or is not of size 1.
 */
export function squeeze(x: Tensor, options: SqueezeOptions = {}): Tensor {
  checkCall("squeeze", { x }, options, { axes: "axes?" });
  const axes =
    options.axes === undefined
      ? x.shape.flatMap((size, i) => (size === 1 ? [i] : []))
      : resolveAxes("squeeze", options.axes, x.rank);
  const wide = axes.find((axis) => x.shape[axis] !== 1);
  if (wide !== undefined)
    throw new ShapeError(
      `squeeze: only axes of size 1 can be dropped, got size ${x.shape[wide]} on axis ${wide}${describeShapes([["x", x.shape]])}`,
    );
  return reshape(x, { shape: x.shape.filter((_, i) => !axes.includes(i)) });
}

/** Options of `unsqueeze`. */
export interface UnsqueezeOptions {
  /** Places of the new axes in the result; negative ones count from its end. */
  readonly axes: readonly number[] | number;
}

/**
 * Inserts axes of size 1; shares the memory of `x`.
 *
 * @param x - Any shape and element type.
 * @param options - `axes`: where they are in the result.
 * @throws {ShapeError} when a place does not exist or is named twice, or there would be more than 8 axes.
 */
export function unsqueeze(x: Tensor, options: UnsqueezeOptions): Tensor {
  const { axes } = checkCall("unsqueeze", { x }, options, { axes: "axes" });
  const rank = x.rank + (typeof axes === "number" ? 1 : axes.length);
  const places = resolveAxes("unsqueeze", axes, rank);
  const rest = [...x.shape];
  const shape = Array.from({ length: rank }, (_, i) => (places.includes(i) ? 1 : (rest.shift() as number)));
  checkShape("unsqueeze", shape);
  return reshape(x, { shape });
}

/** Options of `flatten`. */
export interface FlattenAxesOptions {
  /** First axis to merge; negative ones count from the end. Default 0. */
  readonly start?: number;
  /** Last axis to merge, itself included. Default -1. */
  readonly end?: number;
}

/**
 * Merges neighbouring axes into one; shares the memory of `x`. A scalar becomes [1].
 *
 * @param x - Any shape and element type.
 * @param options - `start` (default 0) and `end` (default -1), both included.
 * @throws {ShapeError} when an axis does not exist, or `end` comes before `start`.
 */
export function flatten(x: Tensor, options: FlattenAxesOptions = {}): Tensor {
  checkCall("flatten", { x }, options, { start: "number?", end: "number?" });
  if (x.rank === 0) return reshape(x, { shape: [1] });
  const start = resolveAxis("flatten", options.start ?? 0, x.rank);
  const end = resolveAxis("flatten", options.end ?? -1, x.rank);
  if (end < start)
    throw new ShapeError(
      `flatten: start must not come after end, got ${start} and ${end}${describeShapes([["x", x.shape]])}`,
    );
  const merged = sizeOf(x.shape.slice(start, end + 1));
  return reshape(x, { shape: [...x.shape.slice(0, start), merged, ...x.shape.slice(end + 1)] });
}
