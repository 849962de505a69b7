import { argReduce } from "../../kernels/arg-reduce.js";
import { ShapeError } from "../../kernels/errors.js";
import { defineOp } from "../define-op.js";
import { storedAs } from "../host-values.js";
import { describeShapes, resolveAxis, sizeOf } from "../shape.js";

/** Options of `argMax` and `argMin`. */
export interface ArgMaxOptions {
  /** The axis to search along; negative ones count from the end. Default: all elements, numbered in row-major order. */
  readonly axis?: number;
  /** Keep the axis (without one: every axis) with size 1. Default false. */
  readonly keepDims?: boolean;
}

function defineArg(name: "argMax" | "argMin") {
  return defineOp({
    name,
    inputs: ["x"],
    dtypes: { x: "any" },
    options: { axis: "number?", keepDims: "boolean?" },
    plan([x], { axis: given, keepDims = false }: ArgMaxOptions) {
      const axis = given === undefined ? null : resolveAxis(name, given, x.rank);
      const searched = (i: number) => axis === null || i === axis;
      const kept = x.shape.map((size, i) => (searched(i) ? 1 : size));
      const length = axis === null ? x.size : (x.shape[axis] as number);
      if (length === 0 && sizeOf(kept) > 0) {
        throw new ShapeError(
          `${name}: needs an element to search, got size 0${axis === null ? "" : ` on axis ${axis}`}${describeShapes([["x", x.shape]])}`,
        );
      }
      const inner = axis === null ? 1 : sizeOf(x.shape.slice(axis + 1));
      const shape = keepDims ? kept : x.shape.filter((_, i) => !searched(i));
      return { shape, dtype: "i32" as const, size: { outer: sizeOf(kept) / Math.max(inner, 1), length, inner } };
    },
    forward({ device, output, plan: { size } }, [x]): void {
      const kind = name === "argMax" ? "max" : "min";
      if (output.size > 0)
        argReduce(device, kind, storedAs(x.dtype), { input: x.storage, output: output.storage }, size);
    },
    vjp: null,
  });
}

/**
 * Where the largest element is: the first of equal ones; NaN is taken for the largest, and the first NaN is the result.
 *
 * @param x - Any shape and element type.
 * @param options - `axis` (default: over all elements), `keepDims` (default false).
 * @returns i32 indices along the axis, in `x`'s shape without it, or with size 1 there.
 * @throws {ShapeError} when the axis does not exist or has no elements.
 */
export const argMax = defineArg("argMax");

/** Where the smallest element is: the first of equal ones; NaN is taken for the smallest. See `argMax`. */
export const argMin = defineArg("argMin");
