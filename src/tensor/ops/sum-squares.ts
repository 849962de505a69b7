import { reduceRuns } from "../../kernels/reduce.js";
import { defineOp } from "../define-op.js";
import type { Tensor } from "../tensor.js";
import { absGrad, squareGrad } from "./elementwise.js";
import { reshape } from "./reshape.js";
import { type ReduceOptions, reducedShape, reduceKinds, runsOf } from "./sum.js";

/** A sum over axes of a function of each element, which is never stored: one read forward, one read and one write back. */
function defineMappedSum(name: "sumSquares" | "sumAbs", slope: (gradOutput: Tensor, x: Tensor) => Tensor) {
  return defineOp({
    name,
    inputs: ["x"],
    options: reduceKinds,
    plan: ([x], options: ReduceOptions) => reducedShape(name, x.shape, options),
    forward({ device, output, plan: { axes, kept } }, [x]) {
      if (x.size > 0) reduceRuns(device, name, x.storage, output.storage, runsOf(x.shape, axes));
      else output.fill(0);
      return { x, kept };
    },
    vjp: { x: ({ x, kept }, gradOutput): Tensor => slope(reshape(gradOutput, { shape: kept }), x) },
  });
}

/**
 * The sum of squares over axes, without storing the squares. `y = sum x^2`
 *
 * @param x - Any shape.
 * @param options - `axes` (default all), `keepDims` (default false).
 * @returns `x`'s shape without the axes, or with size 1 there.
 * @throws {ShapeError} when an axis does not exist or is named twice.
 */
export const sumSquares = defineMappedSum("sumSquares", squareGrad);

/** The sum of magnitudes over axes, without storing them; the gradient at 0 is 0. See `sumSquares`. */
export const sumAbs = defineMappedSum("sumAbs", absGrad);
