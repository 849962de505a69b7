import { ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { describeShapes, formatShape, resolveAxes, resolveAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { concat } from "./concat.js";
import { reshape } from "./reshape.js";
import { slice } from "./slice.js";
import { broadcastTo } from "./sum.js";
import { transpose } from "./transpose.js";

/** Options of `flip`. */
export interface FlipOptions {
  /** Axes to turn round; negative ones count from the end. Default: all. */
  readonly axes?: readonly number[] | number;
}

/**
 * The elements in reverse order along axes.
 *
 * @param x - Any shape and element type.
 * @param options - `axes` (default all).
 * @throws {ShapeError} when an axis does not exist or is named twice.
 */
export function flip(x: Tensor, options: FlipOptions = {}): Tensor {
  checkCall("flip", { x }, options, { axes: "axes?" });
  const axes = resolveAxes("flip", options.axes, x.rank);
  return slice(x, { start: x.shape.map(() => null), step: x.shape.map((_, i) => (axes.includes(i) ? -1 : 1)) });
}

/** Options of `roll`. */
export interface RollOptions {
  /** By how many places elements move towards the end; negative: towards the start. */
  readonly shift: number;
  /** The axis; negative ones count from the end. */
  readonly axis: number;
}

/**
 * Moves elements along an axis; those that leave at one end come in at the other. `y[(r + shift) mod n] = x[r]`
 *
 * @param x - Any shape with at least one axis, any element type.
 * @throws {ShapeError} when the axis does not exist or `shift` is no whole number.
 */
export function roll(x: Tensor, options: RollOptions): Tensor {
  const { shift, axis: given } = checkCall("roll", { x }, options, { shift: "number", axis: "number" });
  const axis = resolveAxis("roll", given, x.rank);
  if (!Number.isInteger(shift)) throw new ShapeError(`roll: shift must be a whole number, got ${shift}`);
  const size = x.shape[axis] as number;
  const by = size === 0 ? 0 : ((shift % size) + size) % size;
  if (by === 0) return slice(x, { start: [] });
  const only = (value: number) => x.shape.map((_, i) => (i === axis ? value : null));
  return concat([slice(x, { start: only(size - by) }), slice(x, { start: [], end: only(size - by) })], { axis });
}

/** Options of `swapAxes`. */
export interface SwapAxesOptions {
  /** The two axes; negative ones count from the end. */
  readonly axes: readonly [number, number];
}

/** Two axes exchanged, the others where they are. @throws {ShapeError} when an axis does not exist. */
export function swapAxes(x: Tensor, options: SwapAxesOptions): Tensor {
  const { axes } = checkCall("swapAxes", { x }, options, { axes: "numbers" });
  if (axes.length !== 2) throw new ShapeError(`swapAxes: axes must be two, got ${formatShape(axes)}`);
  const [a, b] = axes.map((axis) => resolveAxis("swapAxes", axis, x.rank)) as [number, number];
  return transpose(x, { axes: x.shape.map((_, i) => (i === a ? b : i === b ? a : i)) });
}

/** Options of `tile`. */
export interface TileOptions {
  /** How often the whole is repeated along each axis; where there are more entries than axes, axes of size 1 are put in front. */
  readonly repeats: readonly number[];
}

/**
 * The whole tensor side by side with itself. `y[p] = x[p mod x.shape]`
 *
 * @param x - Any shape and element type; twice as many axes as its own, but for those not repeated, must be at most 8.
 * @param options - `repeats`: at least one entry for each axis, as `torch.Tensor.repeat`.
 * @returns `x.shape[i] * repeats[i]` along each axis.
 * @throws {ShapeError} when there are fewer entries than axes, or they are no whole numbers >= 0.
 */
export function tile(x: Tensor, options: TileOptions): Tensor {
  const { repeats } = checkCall("tile", { x }, options, { repeats: "numbers" });
  const lines = () => describeShapes([["x", x.shape]]);
  if (repeats.length < x.rank)
    throw new ShapeError(
      `tile: repeats must have an entry for each of the ${x.rank} axes, got ${formatShape(repeats)}${lines()}`,
    );
  if (!repeats.every((count) => Number.isInteger(count) && count >= 0))
    throw new ShapeError(`tile: repeats must be whole numbers >= 0, got ${formatShape(repeats)}${lines()}`);
  const own = [...new Array<number>(repeats.length - x.rank).fill(1), ...x.shape];
  // A repeated axis is spread over a new axis in front of it; those of size 1, or that are not repeated, need none.
  const alone = (count: number, size: number) => count === 1 || size === 1;
  const pair = (count: number, size: number) => (alone(count, size) ? [count * size] : [count, size]);
  const thin = reshape(x, {
    shape: own.flatMap((size, i) => (alone(repeats[i] as number, size) ? [size] : [1, size])),
  });
  const wide = broadcastTo(thin, { shape: own.flatMap((size, i) => pair(repeats[i] as number, size)) });
  return reshape(wide, { shape: own.map((size, i) => size * (repeats[i] as number)) });
}

/** Options of `repeatElements`. */
export interface RepeatOptions {
  /** How often each element is repeated. */
  readonly repeats: number;
  /** The axis; negative ones count from the end. */
  readonly axis: number;
}

/**
 * Each element several times in a row along an axis, as `torch.repeat_interleave` and NumPy's `repeat`.
 *
 * @param x - Any shape of 1 to 7 axes, any element type.
 * @throws {ShapeError} when the axis does not exist or `repeats` is no whole number >= 0.
 */
export function repeatElements(x: Tensor, options: RepeatOptions): Tensor {
  const { repeats, axis: given } = checkCall("repeatElements", { x }, options, { repeats: "number", axis: "number" });
  const axis = resolveAxis("repeatElements", given, x.rank);
  if (!Number.isInteger(repeats) || repeats < 0)
    throw new ShapeError(`repeatElements: repeats must be a whole number >= 0, got ${repeats}`);
  const [before, after] = [x.shape.slice(0, axis + 1), x.shape.slice(axis + 1)];
  const wide = broadcastTo(reshape(x, { shape: [...before, 1, ...after] }), { shape: [...before, repeats, ...after] });
  return reshape(wide, { shape: x.shape.map((size, i) => (i === axis ? size * repeats : size)) });
}
