import { softmax as dispatch, type SoftmaxKind } from "../../kernels/softmax.js";
import { defineOp } from "../define-op.js";
import { resolveAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { exp, mul, sub } from "./elementwise.js";
import { aroundAxis } from "./recurrence.js";
import { sum } from "./sum.js";

/** Options of `softmax` and `logSoftmax`. */
export interface SoftmaxOptions {
  /** The axis whose elements add up to 1; negative ones count from the end. Default -1. */
  readonly axis?: number;
}

function define(kind: SoftmaxKind, gradient: (output: Tensor, gradOutput: Tensor, axes: number) => Tensor) {
  return defineOp({
    name: kind,
    inputs: ["x"],
    options: { axis: "number?" },
    plan: ([x], { axis = -1 }: SoftmaxOptions) => ({ shape: x.shape, axis: resolveAxis(kind, axis, x.rank) }),
    forward({ device, output, plan: { axis } }, [x]) {
      if (x.size > 0) dispatch(device, kind, x.storage, output.storage, aroundAxis(x.shape, axis));
      return { output, axis };
    },
    vjp: { x: ({ output, axis }, gradOutput): Tensor => gradient(output, gradOutput, axis) },
  });
}

/**
 * Exponentials that add up to 1 along an axis, for elements of any size. `y = exp(x) / sum exp(x)`
 *
 * @param x - f32, any shape with at least one axis. -Infinity gives 0; a row of nothing else, or with NaN or Infinity, is NaN.
 * @param options - `axis` (default -1: the last).
 * @returns `x`'s shape.
 * @throws {ShapeError} when the axis does not exist.
 */
export const softmax = define("softmax", (y, gradOutput, axes) =>
  mul(y, sub(gradOutput, sum(mul(gradOutput, y), { axes, keepDims: true }))),
);

/** The logarithm of `softmax`, without its rounding: `y = x - log(sum exp(x))`. See `softmax`. */
export const logSoftmax = define("logSoftmax", (y, gradOutput, axes) =>
  sub(gradOutput, mul(exp(y), sum(gradOutput, { axes, keepDims: true }))),
);
