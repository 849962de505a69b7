/** Losses between a prediction and a target of the same shape, made of ops. f32, also of f16 tensors. Gradients reach the target too. */

import { ShapeError } from "../kernels/errors.js";
import { checkCall } from "../tensor/define-op.js";
import { abs, add, div, exp, greater, log, minimum, mul, square, sub, where } from "../tensor/ops/elementwise.js";
import { checkSameShape, constant, type Tensor } from "../tensor/tensor.js";
import { checkReduction, inSingle, type LossOptions, reduceTerms } from "./loss-reduction.js";

/** Both, in f32. */
function checkedPair(op: string, prediction: Tensor, target: Tensor, reduction: string): [Tensor, Tensor] {
  checkReduction(op, reduction);
  checkSameShape(op, ["prediction", prediction], ["target", target]);
  return [inSingle(prediction), inSingle(target)];
}

/**
 * Squared error: `(prediction - target)^2`.
 *
 * @param options - `reduction` `"mean"`.
 * @throws {ShapeError} unless both have the same shape: nothing is broadcast.
 */
export function mse(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const { reduction = "mean" } = checkCall("mse", { prediction, target }, options, { reduction: "any?" });
  return reduceTerms(square(sub(...checkedPair("mse", prediction, target, reduction))), reduction);
}

/**
 * Absolute error: `|prediction - target|`. Its gradient where they are equal is 0.
 *
 * @param options - `reduction` `"mean"`.
 * @throws {ShapeError} unless both have the same shape: nothing is broadcast.
 */
export function l1(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const { reduction = "mean" } = checkCall("l1", { prediction, target }, options, { reduction: "any?" });
  return reduceTerms(abs(sub(...checkedPair("l1", prediction, target, reduction))), reduction);
}

/** `q^2 / 2 + bend (|d| - q)` with `q = min(|d|, bend)`: a parabola that goes on as a straight line. */
function bent(prediction: Tensor, target: Tensor, bend: number): Tensor {
  const distance = abs(sub(prediction, target));
  const inner = minimum(distance, constant(distance.device, bend));
  const scaled = (x: Tensor, factor: number) => mul(x, constant(x.device, factor));
  return add(scaled(square(inner), 0.5), scaled(sub(distance, inner), bend));
}

/**
 * Squared near 0, absolute beyond: `d^2 / (2 beta)` where `|d| < beta`, else `|d| - beta / 2`, `d = prediction - target`.
 *
 * @param options - `beta` 1, with 0 it is `l1`; `reduction` `"mean"`.
 * @throws {ShapeError} unless both have the same shape and `beta` is a finite number >= 0.
 * @see Girshick 2015; torch.nn.functional.smooth_l1_loss.
 */
export function smoothL1(prediction: Tensor, target: Tensor, options: LossOptions & { beta?: number } = {}): Tensor {
  const kinds = { beta: "number?", reduction: "any?" } as const;
  const { beta = 1, reduction = "mean" } = checkCall("smoothL1", { prediction, target }, options, kinds);
  const pair = checkedPair("smoothL1", prediction, target, reduction);
  if (!(beta >= 0 && beta < Infinity)) throw new ShapeError(`smoothL1: beta must be a finite number >= 0, got ${beta}`);
  if (beta === 0) return l1(prediction, target, { reduction });
  const terms = bent(...pair, beta);
  return reduceTerms(beta === 1 ? terms : div(terms, constant(terms.device, beta)), reduction);
}

/**
 * Huber's loss: `d^2 / 2` where `|d| <= delta`, else `delta (|d| - delta / 2)`, `d = prediction - target`.
 *
 * @param options - `delta` 1; `reduction` `"mean"`.
 * @throws {ShapeError} unless both have the same shape and `delta` is a finite number above 0.
 * @see Huber 1964; torch.nn.functional.huber_loss.
 */
export function huber(prediction: Tensor, target: Tensor, options: LossOptions & { delta?: number } = {}): Tensor {
  const kinds = { delta: "number?", reduction: "any?" } as const;
  const { delta = 1, reduction = "mean" } = checkCall("huber", { prediction, target }, options, kinds);
  const pair = checkedPair("huber", prediction, target, reduction);
  if (!(delta > 0 && delta < Infinity))
    throw new ShapeError(`huber: delta must be a finite number above 0, got ${delta}`);
  return reduceTerms(bent(...pair, delta), reduction);
}

/** Options of `klDivergence`. */
export interface KlDivergenceOptions {
  /** Default `"mean"` over all elements, as in PyTorch; `"batchMean"` divides the sum by the size of the first axis, as the formula does. */
  readonly reduction?: "mean" | "sum" | "none" | "batchMean";
  /** The target holds logarithms too. Default false. */
  readonly logTarget?: boolean;
}

/**
 * Kullback-Leibler divergence, by element: `target (log target - prediction)`, 0 where the target is 0.
 *
 * @param prediction - Logarithms of probabilities, any shape.
 * @param target - Probabilities of the same shape, or their logarithms with `logTarget`.
 * @param options - `reduction` `"mean"`, `logTarget` false.
 * @throws {ShapeError} unless both have the same shape.
 * @see Kullback & Leibler 1951; torch.nn.functional.kl_div.
 */
export function klDivergence(prediction: Tensor, target: Tensor, options: KlDivergenceOptions = {}): Tensor {
  const kinds = { reduction: "any?", logTarget: "boolean?" } as const;
  const { reduction = "mean", logTarget = false } = checkCall("klDivergence", { prediction, target }, options, kinds);
  checkReduction("klDivergence", reduction, ["mean", "sum", "none", "batchMean"]);
  checkSameShape("klDivergence", ["prediction", prediction], ["target", target]);
  const [p, t] = [inSingle(prediction), inSingle(target)];
  const terms = mul(logTarget ? exp(t) : t, sub(logTarget ? t : logOrZero(t), p));
  if (reduction !== "batchMean") return reduceTerms(terms, reduction);
  return div(reduceTerms(terms, "sum"), constant(terms.device, terms.shape[0] ?? 1));
}

/** `log x` where x is above 0, else 0, with a finite gradient. */
function logOrZero(x: Tensor): Tensor {
  const inside = greater(x, constant(x.device, 0));
  return where(inside, log(where(inside, x, constant(x.device, 1))), constant(x.device, 0));
}
