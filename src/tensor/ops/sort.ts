import { ShapeError } from "../../kernels/errors.js";
import { sortOrder } from "../../kernels/sort-order.js";
import { checkCall, defineOp } from "../define-op.js";
import { storedAs } from "../host-values.js";
import { describeShapes, resolveAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { gather } from "./gather.js";
import { aroundAxis } from "./recurrence.js";
import { slice } from "./slice.js";

/** Options of `sort` and `argSort`. */
export interface SortOptions {
  /** The axis to sort along; negative ones count from the end. Default -1. */
  readonly axis?: number;
  /** Largest first. Default false. */
  readonly descending?: boolean;
}

/**
 * The indices that sort an axis: `gather(x, argSort(x))` is sorted. Equal elements keep their order. NaN counts as larger than
 * every number.
 *
 * @param x - Any shape with at least one axis, any element type.
 * @param options - `axis` (default -1), `descending` (default false).
 * @returns i32, `x`'s shape.
 * @throws {ShapeError} when the axis does not exist.
 */
export const argSort = defineOp({
  name: "argSort",
  inputs: ["x"],
  dtypes: { x: "any" },
  options: { axis: "number?", descending: "boolean?" },
  plan: ([x], { axis = -1, descending = false }: SortOptions) => ({
    shape: x.shape,
    dtype: "i32" as const,
    axis: resolveAxis("argSort", axis, x.rank),
    descending,
  }),
  forward({ device, output, plan: { axis, descending } }, [x]): void {
    const keys = { storage: x.storage, type: storedAs(x.dtype), descending };
    if (x.size > 0) sortOrder(device, keys, output.storage, aroundAxis(x.shape, axis));
  },
  vjp: null,
});

/**
 * The elements of an axis in order, and where each was. Equal elements keep their order. NaN counts as larger than every number.
 *
 * @param x - Any shape with at least one axis, any element type.
 * @param options - `axis` (default -1), `descending` (default false).
 * @returns `values` of `x`'s shape and element type, `indices` i32.
 * @throws {ShapeError} when the axis does not exist.
 */
export function sort(x: Tensor, options: SortOptions = {}): { values: Tensor; indices: Tensor } {
  checkCall<SortOptions>("sort", { x }, options, { axis: "number?", descending: "boolean?" });
  const axis = resolveAxis("sort", options.axis ?? -1, x.rank);
  const indices = argSort(x, { ...options, axis });
  return { values: gather(x, indices, { axis }), indices };
}

/** Options of `topK`. */
export interface TopKOptions {
  /** How many. */
  readonly k: number;
  /** The axis to search along; negative ones count from the end. Default -1. */
  readonly axis?: number;
  /** False for the smallest ones. Default true. */
  readonly largest?: boolean;
}

/**
 * The `k` largest (or smallest) elements of an axis in order, the best first, and where each was.
 *
 * @param x - Any shape with at least one axis, any element type.
 * @param options - `k`, `axis` (default -1), `largest` (default true).
 * @returns `values` of `x`'s element type and `indices`, i32; `x`'s shape with `k` along the axis.
 * @throws {ShapeError} when the axis does not exist, or has fewer than `k` elements.
 */
export function topK(x: Tensor, options: TopKOptions): { values: Tensor; indices: Tensor } {
  const kinds = { k: "number", axis: "number?", largest: "boolean?" } as const;
  const { k, axis: given = -1, largest = true } = checkCall("topK", { x }, options, kinds);
  const axis = resolveAxis("topK", given, x.rank);
  const size = x.shape[axis] as number;
  if (!Number.isInteger(k) || k < 0 || k > size)
    throw new ShapeError(
      `topK: k must lie in [0, ${size}] on axis ${axis}, got ${k}${describeShapes([["x", x.shape]])}`,
    );
  const order = argSort(x, { axis, descending: largest });
  const indices = slice(order, { start: x.shape.map(() => 0), end: x.shape.map((own, i) => (i === axis ? k : own)) });
  return { values: gather(x, indices, { axis }), indices };
}
