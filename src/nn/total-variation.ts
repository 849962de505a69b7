import { ShapeError } from "../kernels/errors.js";
import { checkCall } from "../tensor/define-op.js";
import { add, pow, square, sub } from "../tensor/ops/elementwise.js";
import { slice } from "../tensor/ops/slice.js";
import { formatShape, rank4 } from "../tensor/shape.js";
import { constant, type Tensor } from "../tensor/tensor.js";
import { checkReduction, inSingle, type LossOptions, reduceTerms } from "./loss-reduction.js";

/** Options of `totalVariation`. */
export interface TotalVariationOptions extends LossOptions {
  /** Power of the squared gradient: 0.5 is the classical form, 1 the squared one, 1.25 what the paper's code uses. Default 1.25. */
  readonly exponent?: number;
  /** Added to the squared gradient. Default 0; give some where the exponent is below 1, whose slope has no end in flat regions. */
  readonly eps?: number;
}

/**
 * Total variation: `(dx^2 + dy^2 + eps)^exponent`, by default its mean over images, pixels and channels, with `dx`, `dy` the
 * differences to the next column and row. The last row and column only serve as neighbours.
 *
 * @param x - NHWC `[N, H, W, C]`, H and W at least 2.
 * @param options - `exponent` 1.25, `eps` 0, `reduction` `"mean"`; `"none"` gives `[N, H - 1, W - 1, C]`.
 * @throws {ShapeError} when it is not.
 * @see Rudin, Osher & Fatemi 1992; Mahendran & Vedaldi 2015, section 3 (the exponent is half their beta).
 */
export function totalVariation(x: Tensor, options: TotalVariationOptions = {}): Tensor {
  const kinds = { exponent: "number?", eps: "number?", reduction: "any?" } as const;
  const { exponent = 1.25, eps = 0, reduction = "mean" } = checkCall("totalVariation", { x }, options, kinds);
  checkReduction("totalVariation", reduction);
  const [, H, W] = rank4("totalVariation", "x", x.shape);
  if (H < 2 || W < 2)
    throw new ShapeError(`totalVariation: x must be at least 2 x 2 pixels, got ${H} x ${W} in ${formatShape(x.shape)}`);
  const wide = inSingle(x);
  const here = slice(wide, { start: [0, 0, 0], end: [null, H - 1, W - 1] });
  const right = slice(wide, { start: [0, 0, 1], end: [null, H - 1, W] });
  const below = slice(wide, { start: [0, 1, 0], end: [null, H, W - 1] });
  const squared = add(square(sub(right, here)), square(sub(below, here)));
  const shifted = eps === 0 ? squared : add(squared, constant(x.device, eps));
  return reduceTerms(exponent === 1 ? shifted : pow(shifted, constant(x.device, exponent)), reduction);
}
