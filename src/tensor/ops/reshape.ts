import { ShapeError } from "../../kernels/errors.js";
import { defineOp } from "../define-op.js";
import { checkShape, formatShape, maxRank, type Shape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** Options of `reshape`. */
export interface ReshapeOptions {
  /** The new shape; one size may be -1, and is then what is left over. */
  readonly shape: Shape;
}

function complete(shape: Shape, size: number, from: Shape): number[] {
  const open = shape.indexOf(-1);
  const known = sizeOf(shape.filter((_, i) => i !== open));
  const result = shape.map((own, i) => (i === open ? size / Math.max(known, 1) : own));
  if (open < 0 || shape.length > maxRank) checkShape("reshape", result);
  if (sizeOf(result) !== size || result.some((own) => !Number.isInteger(own) || own < 0)) {
    throw new ShapeError(
      `reshape: the number of elements must stay ${size}, got ${formatShape(shape)} for ${formatShape(from)}`,
    );
  }
  return result;
}

/**
 * The same elements in the same order under another shape; shares the memory of `x`.
 *
 * @param x - Any shape and element type.
 * @param options - `shape`: the new sizes; one may be -1.
 * @throws {ShapeError} when the number of elements would change.
 */
export const reshape = defineOp({
  name: "reshape",
  inputs: ["x"],
  dtypes: { x: "any" },
  options: { shape: "numbers" },
  plan: ([x], { shape }: ReshapeOptions) => ({ shape: complete(shape, x.size, x.shape), dtype: x.dtype }),
  view: ([x], { shape }) => x.view(shape),
  forward: (_context, [x]) => ({ shape: x.shape }),
  vjp: { x: ({ shape }, gradOutput): Tensor => reshape(gradOutput, { shape }) },
});
