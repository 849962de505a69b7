import { reduceRuns } from "../../kernels/reduce.js";
import { defineOp } from "../define-op.js";
import { storedAs } from "../host-values.js";
import { type ReduceOptions, reducedShape, reduceKinds, runsOf } from "./sum.js";

function defineTest(name: "any" | "all") {
  return defineOp({
    name,
    inputs: ["x"],
    dtypes: { x: "any" },
    options: reduceKinds,
    plan: ([x], options: ReduceOptions) => ({ ...reducedShape(name, x.shape, options), dtype: "bool" as const }),
    forward({ device, output, plan: { axes } }, [x]): void {
      const types = { type: storedAs(x.dtype), resultType: "u32" } as const;
      if (x.size > 0) reduceRuns(device, name, x.storage, output.storage, runsOf(x.shape, axes), types);
      else output.fill(name === "all" ? 1 : 0);
    },
    vjp: null,
  });
}

/**
 * Whether any element over axes is true: not 0. NaN counts as true; of no elements, none is.
 *
 * @param x - Any shape and element type.
 * @param options - `axes` (default all), `keepDims` (default false).
 * @returns bool, `x`'s shape without the axes, or with size 1 there.
 * @throws {ShapeError} when an axis does not exist or is named twice.
 */
export const any = defineTest("any");

/** Whether all elements over axes are true: not 0. NaN counts as true; of no elements, all are. See `any`. */
export const all = defineTest("all");
