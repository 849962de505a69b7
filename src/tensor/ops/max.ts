import { ShapeError } from "../../kernels/errors.js";
import { reduceRuns } from "../../kernels/reduce.js";
import { defineOp } from "../define-op.js";
import { storedAs } from "../host-values.js";
import { describeShapes } from "../shape.js";
import { constant, type Tensor } from "../tensor.js";
import { div, equal, mul, where } from "./elementwise.js";
import { reshape } from "./reshape.js";
import { axisRuns, type ReduceOptions, reducedShape, reduceKinds, sum } from "./sum.js";

function defineExtreme(name: "max" | "min") {
  return defineOp({
    name,
    inputs: ["x"],
    dtypes: { x: "any" },
    options: reduceKinds,
    plan([x], options: ReduceOptions) {
      const plan = { ...reducedShape(name, x.shape, options), dtype: x.dtype };
      const empty = plan.axes.find((axis) => x.shape[axis] === 0);
      if (empty !== undefined && plan.shape.every((size) => size > 0)) {
        throw new ShapeError(
          `${name}: needs an element to reduce, got size 0 on axis ${empty}${describeShapes([["x", x.shape]])}`,
        );
      }
      return plan;
    },
    forward({ device, output, plan: { axes, kept } }, [x]) {
      const type = storedAs(x.dtype);
      if (x.size > 0) reduceRuns(device, name, x.storage, output.storage, axisRuns(x.shape, axes), { type });
      return { x, output, axes, kept };
    },
    vjp: {
      x({ x, output, axes, kept }, gradOutput): Tensor {
        const [one, zero] = [constant(x.device, 1), constant(x.device, 0)];
        const extreme = where(equal(x, reshape(output, { shape: kept })), one, zero);
        const share = div(extreme, sum(extreme, { axes, keepDims: true }));
        return mul(share, reshape(gradOutput, { shape: kept }));
      },
    },
  });
}

/**
 * The largest element over axes; NaN if there is one. Equal largest elements share the gradient.
 *
 * @param x - Any shape and element type.
 * @param options - `axes` (default all), `keepDims` (default false).
 * @returns `x`'s shape without the axes, or with size 1 there.
 * @throws {ShapeError} when an axis does not exist, is named twice or has no elements.
 * @see `torch.amax`, whose gradient is shared in the same way.
 */
export const max = defineExtreme("max");

/** The smallest element over axes; NaN if there is one. Equal smallest elements share the gradient. See `max` for the options. */
export const min = defineExtreme("min");
