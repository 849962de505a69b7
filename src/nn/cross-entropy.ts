/** Losses over classes. The classes are the last axis: `[N, K]`, `[N, H, W, K]`, `[K]`. */

import { DTypeError, ShapeError } from "../kernels/errors.js";
import { checkCall } from "../tensor/define-op.js";
import { isFloat } from "../tensor/host-values.js";
import { classMask, classStatus } from "../tensor/ops/class-targets.js";
import { add, div, equal, mul, neg, where } from "../tensor/ops/elementwise.js";
import { logSoftmax } from "../tensor/ops/softmax.js";
import { mean, sum } from "../tensor/ops/sum.js";
import { describeShapes, type Shape, sameShape } from "../tensor/shape.js";
import { constant, type Tensor } from "../tensor/tensor.js";
import { checkReduction, inSingle, type LossOptions, reduceTerms } from "./loss-reduction.js";

/** Options of `nll`. */
export interface NllOptions extends LossOptions {
  /** f32 `[K]`: what each class counts. Default 1 each. */
  readonly weight?: Tensor;
  /** Rows whose target is this number count nothing. Default -100. */
  readonly ignoreIndex?: number;
}

const nllKinds = { reduction: "any?", weight: "tensor?", ignoreIndex: "number?" } as const;

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions extends NllOptions {
  /** This share of each target goes to all classes alike. Default 0. */
  readonly labelSmoothing?: number;
}

/**
 * Cross entropy of logits, stable for logits of any size: `-sum_k t_k w_k log softmax(logits)_k`.
 *
 * With class numbers, `"mean"` divides by the sum of the rows' weights `w`; with probabilities by the number of rows. A class
 * number that is neither a class nor `ignoreIndex` makes the loss NaN.
 *
 * @param logits - f32 `[..., K]`: channels last, so images of logits are `[N, H, W, K]`.
 * @param target - Class numbers, i32 or u32 `[...]`, or probabilities, f32 `[..., K]`.
 * @param options - `reduction` `"mean"`, `weight` none, `ignoreIndex` -100, `labelSmoothing` 0.
 * @returns A scalar, or `[...]` with `reduction: "none"`.
 * @throws {ShapeError} when the shapes do not fit, or `labelSmoothing` lies outside [0, 1].
 * @throws {DTypeError} when the target is neither integers nor f32.
 * @see torch.nn.functional.cross_entropy; Szegedy et al. 2016, section 7 (label smoothing).
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  checkCall("crossEntropy", { logits, target }, options, { ...nllKinds, labelSmoothing: "number?" });
  const { labelSmoothing = 0, ...rest } = options;
  const K = checkClasses("crossEntropy", ["logits", logits], options);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new ShapeError(`crossEntropy: labelSmoothing must lie in [0, 1], got ${labelSmoothing}`);
  checkTarget("crossEntropy", ["logits", logits], target);
  const logs = logSoftmax(inSingle(logits), { axis: -1 });
  if (isFloat(target.dtype)) return fromProbabilities(logs, inSingle(target), options, K);
  return fromIndices(logs, target, rest, labelSmoothing);
}

/**
 * Negative log likelihood: `-w_t logs_t` for the row's class `t`. See `crossEntropy`, which is this after a log-softmax.
 *
 * @param logs - Logarithms of probabilities, f32 `[..., K]`.
 * @param target - Class numbers, i32 or u32 `[...]`.
 * @param options - `reduction` `"mean"`, `weight` none, `ignoreIndex` -100.
 * @throws {ShapeError} when the shapes do not fit.
 * @throws {DTypeError} unless the target holds integers.
 * @see torch.nn.functional.nll_loss.
 */
export function nll(logs: Tensor, target: Tensor, options: NllOptions = {}): Tensor {
  checkCall("nll", { logs, target }, options, nllKinds);
  checkClasses("nll", ["logs", logs], options);
  if (isFloat(target.dtype)) throw new DTypeError(`nll: target must be i32 or u32 class numbers, got ${target.dtype}`);
  checkTarget("nll", ["logs", logs], target);
  return fromIndices(inSingle(logs), target, options, 0);
}

/** Number of classes. */
function checkClasses(
  op: string,
  [name, x]: readonly [string, Tensor],
  { reduction = "mean", weight }: NllOptions,
): number {
  checkReduction(op, reduction);
  const K = x.shape.at(-1);
  if (K === undefined || K === 0)
    throw new ShapeError(`${op}: ${name} needs a class on its last axis${describeShapes([[name, x.shape]])}`);
  if (weight && !sameShape(weight.shape, [K])) {
    throw new ShapeError(
      `${op}: weight must have one number a class, [${K}]${describeShapes([
        [name, x.shape],
        ["weight", weight.shape],
      ])}`,
    );
  }
  return K;
}

function checkTarget(op: string, [name, x]: readonly [string, Tensor], target: Tensor): void {
  if (target.dtype === "bool") throw new DTypeError(`${op}: target must be i32, u32 or f32, got bool`);
  const [wanted, what]: [Shape, string] = isFloat(target.dtype)
    ? [x.shape, `probabilities of ${name}' shape`]
    : [x.shape.slice(0, -1), `${name}' shape without the last axis`];
  if (sameShape(target.shape, wanted)) return;
  throw new ShapeError(
    `${op}: a target of ${target.dtype} must have ${what}${describeShapes([
      [name, x.shape],
      ["target", target.shape],
    ])}`,
  );
}

function fromIndices(logs: Tensor, target: Tensor, options: NllOptions, labelSmoothing: number): Tensor {
  const { reduction = "mean", weight, ignoreIndex = -100 } = options;
  const { device } = logs;
  const K = logs.shape.at(-1) as number;
  const zero = constant(device, 0);
  const last = { axes: -1 };
  const mask = classMask(target, { classes: K });
  const status = classStatus(target, { classes: K, ignoreIndex });
  const rowWeight = weight ? mul(status, sum(where(mask, weight, zero), last)) : status;
  let terms = mul(neg(sum(where(mask, logs, zero), last)), rowWeight);
  if (labelSmoothing > 0) {
    const even = mul(neg(sum(weight ? mul(logs, weight) : logs, last)), status);
    const scaled = (x: Tensor, factor: number) => mul(x, constant(device, factor));
    // Rows that count nothing stay 0, however large their logits.
    const counted = where(equal(status, zero), zero, even);
    terms = add(scaled(terms, 1 - labelSmoothing), scaled(counted, labelSmoothing / K));
  }
  if (reduction !== "mean") return reduceTerms(terms, reduction);
  return div(sum(terms), sum(rowWeight));
}

function fromProbabilities(logs: Tensor, target: Tensor, options: CrossEntropyOptions, K: number): Tensor {
  const { reduction = "mean", weight, labelSmoothing = 0 } = options;
  const { device } = logs;
  const smoothed =
    labelSmoothing === 0
      ? target
      : add(mul(target, constant(device, 1 - labelSmoothing)), constant(device, labelSmoothing / K));
  const weighted = weight ? mul(smoothed, weight) : smoothed;
  const terms = neg(sum(mul(weighted, logs), { axes: -1 }));
  return reduction === "mean" ? mean(terms) : reduceTerms(terms, reduction);
}
