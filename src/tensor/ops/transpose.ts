import { ShapeError } from "../../kernels/errors.js";
import { stridedCopy } from "../../kernels/strided-copy.js";
import { defineOp } from "../define-op.js";
import { describeShapes, formatShape, stridesOf } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** Options of `transpose`. */
export interface TransposeOptions {
  /** Which axis of `x` each axis of the result is; negative ones count from the end. Default: all axes in reverse. */
  readonly axes?: readonly number[];
}

/**
 * The same elements with the axes in another order. `y[p[axes[0]], p[axes[1]], ...] = x[p[0], p[1], ...]`
 *
 * @param x - Any shape and element type.
 * @param options - `axes`: a permutation (default: reversed).
 * @returns `[x.shape[axes[0]], x.shape[axes[1]], ...]`, contiguous.
 * @throws {ShapeError} when `axes` does not name each axis once.
 */
export const transpose = defineOp({
  name: "transpose",
  inputs: ["x"],
  dtypes: { x: "any" },
  options: { axes: "numbers?" },
  plan([x], { axes: given }: TransposeOptions) {
    const axes = (given ?? x.shape.map((_, i) => x.rank - 1 - i)).map((axis) => (axis < 0 ? axis + x.rank : axis));
    if (axes.length !== x.rank || x.shape.some((_, i) => !axes.includes(i))) {
      throw new ShapeError(
        `transpose: axes must name each of the ${x.rank} axes once, got ${formatShape(given ?? axes)}${describeShapes([["x", x.shape]])}`,
      );
    }
    return { shape: axes.map((axis) => x.shape[axis] as number), dtype: x.dtype, axes };
  },
  forward({ device, output, plan: { axes, shape } }, [x]) {
    const strides = stridesOf(x.shape);
    stridedCopy(
      device,
      shape,
      { storage: x.storage, offset: 0, strides: axes.map((axis) => strides[axis] as number) },
      { storage: output.storage, offset: 0, strides: stridesOf(shape) },
    );
    return { inverse: axes.map((_, i) => axes.indexOf(i)) };
  },
  vjp: { x: ({ inverse }, gradOutput): Tensor => transpose(gradOutput, { axes: inverse }) },
});
