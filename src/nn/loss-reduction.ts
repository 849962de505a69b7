/** What losses do with their terms. */

import { ShapeError } from "../kernels/errors.js";
import { cast } from "../tensor/ops/cast.js";
import { mean, sum } from "../tensor/ops/sum.js";
import { show } from "../tensor/options.js";
import type { Tensor } from "../tensor/tensor.js";

/** `"mean"` over all terms, their `"sum"`, or `"none"`: the terms themselves. */
export type Reduction = "mean" | "sum" | "none";

/** Options that all losses have. */
export interface LossOptions {
  /** Default `"mean"`. */
  readonly reduction?: Reduction;
}

/** @throws {ShapeError} on a word that is no reduction. */
export function checkReduction(
  op: string,
  reduction: string,
  words: readonly string[] = ["mean", "sum", "none"],
): void {
  if (!words.includes(reduction))
    throw new ShapeError(
      `${op}: reduction must be ${words.map((word) => `"${word}"`).join(", ")}, got ${show(reduction)}`,
    );
}

/** What losses compute with: f16 predictions and targets as f32, so that a loss is f32. */
export const inSingle = (x: Tensor): Tensor => (x.dtype === "f16" ? cast(x, "f32") : x);

/** The reduction of a loss's terms. The mean of none is NaN, as in PyTorch. */
export function reduceTerms(terms: Tensor, reduction: Reduction): Tensor {
  if (reduction === "none") return terms;
  return reduction === "sum" ? sum(terms) : mean(terms);
}
