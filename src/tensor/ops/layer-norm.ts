import { ShapeError } from "../../kernels/errors.js";
import { describeShapes, formatShape, type Shape, sameShape, sizeOf } from "../shape.js";
import { defineGroupNorm } from "./group-norm.js";

/** Options of `layerNorm`. */
export interface LayerNormOptions {
  /** The trailing sizes that are normalised together. Default: the weight's shape, or without a weight the last axis. */
  readonly shape?: Shape;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
}

/** What they may be. */
export const layerNormKinds = { shape: "numbers?", eps: "number?" } as const;

/** Leading elements and elements of one normalisation. @throws {ShapeError} unless `shape` is what `x` ends with. */
export function trailing(op: string, x: Shape, shape: Shape): { rows: number; length: number } {
  const lead = x.length - shape.length;
  if (shape.length === 0 || lead < 0 || !sameShape(x.slice(lead), shape)) {
    throw new ShapeError(
      `${op}: x must end with the shape that is normalised, ${formatShape(shape)}, got ${formatShape(x)}${describeShapes([["x", x]])}`,
    );
  }
  return { rows: sizeOf(x.slice(0, lead)), length: sizeOf(shape) };
}

/**
 * Layer normalisation: over the trailing axes, for each index of the leading ones.
 *
 * `y = (x - mean) * rstd * weight + bias`, `rstd = 1 / sqrt(var + eps)`, `var` dividing by the number of values.
 *
 * @param x - `[..., ...shape]`.
 * @param weight - Of shape `shape`, or `null` for 1.
 * @param bias - Of shape `shape`, or `null` for 0.
 * @param options - `shape` default: the weight's, or the last axis; `eps` default 1e-5.
 * @returns The shape of `x`.
 * @throws {ShapeError} when `x` does not end with `shape`, or weight or bias has another.
 * @see Ba, Kiros & Hinton 2016, arXiv:1607.06450. Same numbers as `torch.nn.functional.layer_norm`.
 */
export const layerNorm = defineGroupNorm(
  "layerNorm",
  (x, weight, options: LayerNormOptions) => {
    const { shape = weight?.shape ?? x.shape.slice(-1), eps = 1e-5 } = options;
    const { rows, length } = trailing("layerNorm", x.shape, shape);
    return { N: rows, P: 1, G: 1, D: length, affine: shape, eps };
  },
  layerNormKinds,
);
