/** Losses from the angle between rows. */

import { ShapeError } from "../kernels/errors.js";
import { checkCall } from "../tensor/define-op.js";
import { add, div, greater, maximum, mul, relu, sqrt, square, sub, where } from "../tensor/ops/elementwise.js";
import { sum } from "../tensor/ops/sum.js";
import { describeShapes, resolveAxis, sameShape } from "../tensor/shape.js";
import { checkSameShape, constant, type Tensor } from "../tensor/tensor.js";
import { checkReduction, inSingle, type LossOptions, reduceTerms } from "./loss-reduction.js";

/** Options of `cosineSimilarity`. */
export interface CosineSimilarityOptions extends LossOptions {
  /** Smallest squared length that a row is divided by; a shorter row counts as having this one. Default 1e-12, as in Keras. */
  readonly eps?: number;
  /** The axis of the vectors. Default -1. */
  readonly axis?: number;
}

/**
 * The cosine between corresponding rows, by default averaged over the rows: 1 where they point the same way. A similarity:
 * subtract it from a loss.
 *
 * `x.y / (sqrt(max(x.x, eps)) sqrt(max(y.y, eps)))`; a row of zeros gives 0, and a finite gradient.
 *
 * @param x - `[..., V]`, or the vectors along another `axis`.
 * @param y - `x`'s shape.
 * @param options - `eps` 1e-12, `axis` -1, `reduction` `"mean"`; `"none"` gives a cosine a row.
 * @throws {ShapeError} unless both have the same shape, of at least one axis.
 * @see torch.nn.functional.cosine_similarity, which is `reduction: "none"` with `eps: 1e-16`.
 */
export function cosineSimilarity(x: Tensor, y: Tensor, options: CosineSimilarityOptions = {}): Tensor {
  const kinds = { eps: "number?", axis: "number?", reduction: "any?" } as const;
  const { eps = 1e-12, axis = -1, reduction = "mean" } = checkCall("cosineSimilarity", { x, y }, options, kinds);
  checkReduction("cosineSimilarity", reduction);
  checkSameShape("cosineSimilarity", ["x", x], ["y", y]);
  if (x.rank === 0) throw new ShapeError("cosineSimilarity: x must have at least 1 axis, got 0");
  const along = { axes: resolveAxis("cosineSimilarity", axis, x.rank) };
  const length = (v: Tensor) => sqrt(maximum(sum(square(v), along), constant(v.device, eps)));
  const [a, b] = [inSingle(x), inSingle(y)];
  return reduceTerms(div(sum(mul(a, b), along), mul(length(a), length(b))), reduction);
}

/**
 * Pulls rows together where `target` is 1, and apart where it is -1: `1 - cos`, or `max(0, cos - margin)`.
 *
 * `cos = x.y / sqrt((x.x + 1e-12) (y.y + 1e-12))`
 *
 * @param x - `[..., V]`.
 * @param y - `x`'s shape.
 * @param target - f32 `[...]`, 1 or -1 for each row.
 * @param options - `margin` 0; `reduction` `"mean"`.
 * @throws {ShapeError} when the shapes do not fit.
 * @see torch.nn.functional.cosine_embedding_loss.
 */
export function cosineEmbedding(
  x: Tensor,
  y: Tensor,
  target: Tensor,
  options: LossOptions & { readonly margin?: number } = {},
): Tensor {
  const kinds = { margin: "number?", reduction: "any?" } as const;
  const { margin = 0, reduction = "mean" } = checkCall("cosineEmbedding", { x, y, target }, options, kinds);
  checkReduction("cosineEmbedding", reduction);
  checkSameShape("cosineEmbedding", ["x", x], ["y", y]);
  if (x.rank === 0 || !sameShape(target.shape, x.shape.slice(0, -1))) {
    throw new ShapeError(
      `cosineEmbedding: target must have x's shape without the last axis${describeShapes([
        ["x", x.shape],
        ["target", target.shape],
      ])}`,
    );
  }
  const { device } = x;
  const [zero, one, tiny] = [0, 1, 1e-12].map((value) => constant(device, value)) as [Tensor, Tensor, Tensor];
  const squared = (v: Tensor) => add(sum(square(v), { axes: -1 }), tiny);
  const [a, b] = [inSingle(x), inSingle(y)];
  const cosine = div(sum(mul(a, b), { axes: -1 }), sqrt(mul(squared(a), squared(b))));
  const apart = relu(margin === 0 ? cosine : sub(cosine, constant(device, margin)));
  return reduceTerms(where(greater(target, zero), sub(one, cosine), apart), reduction);
}
