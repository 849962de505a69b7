/** Losses of yes-or-no targets. */
import { ShapeError } from "../kernels/errors.js";
import { checkCall, defineOp, type Plan } from "../tensor/define-op.js";
import { softplus } from "../tensor/ops/activations.js";
import { add, div, log, maximum, mul, neg, sub } from "../tensor/ops/elementwise.js";
import { broadcastShapes, describeShapes, sameShape } from "../tensor/shape.js";
import { checkSameShape, constant, type Tensor } from "../tensor/tensor.js";
import { checkReduction, inSingle, type LossOptions, reduceTerms } from "./loss-reduction.js";

/** Options of the binary cross entropies. */
export interface BinaryCrossEntropyOptions extends LossOptions {
  /** Factor of each term; broadcasts to the prediction's shape. Default 1. */
  readonly weight?: Tensor;
}

/** Options of `binaryCrossEntropyWithLogits`. */
export interface BinaryCrossEntropyWithLogitsOptions extends BinaryCrossEntropyOptions {
  /** Factor of the part of targets that are 1; broadcasts to the logits' shape, e.g. `[K]`. Default 1. */
  readonly posWeight?: Tensor;
}

/** `max(log x, -100)`, as the terms are limited. */
const limitedLog = (x: Tensor) => maximum(log(x), constant(x.device, -100));
const complement = (x: Tensor) => sub(constant(x.device, 1), x);

/** The terms, with PyTorch's gradients where the prediction is 0 or 1: limited, but infinite for the target. */
const terms = defineOp({
  name: "binaryCrossEntropy",
  inputs: ["prediction", "target"],
  plan: ([prediction]): Plan => ({ shape: prediction.shape }),
  view: ([x, t]) =>
    x.device.noGrad(() => neg(add(mul(t, limitedLog(x)), mul(complement(t), limitedLog(complement(x)))))),
  forward: (_context, [x, t]) => ({ x, t }),
  vjp: {
    prediction({ x, t }, gradOutput): Tensor {
      const spread = maximum(mul(x, complement(x)), constant(x.device, 1e-12));
      return mul(gradOutput, div(sub(x, t), spread));
    },
    target: ({ x }, gradOutput) => mul(gradOutput, sub(log(complement(x)), log(x))),
  },
});

function weighted(op: string, x: Tensor, weights: readonly (readonly [string, Tensor | undefined])[]): void {
  for (const [name, weight] of weights) {
    if (!weight) continue;
    const named = [
      ["prediction", x.shape],
      [name, weight.shape],
    ] as const;
    if (!sameShape(broadcastShapes(op, named), x.shape))
      throw new ShapeError(`${op}: ${name} must broadcast to the prediction's shape${describeShapes(named)}`);
  }
}

/**
 * Binary cross entropy of probabilities: `-(t log x + (1 - t) log(1 - x))`, each logarithm at least -100.
 *
 * @param prediction - Probabilities in [0, 1], any shape; NaN comes of others. For logits see `binaryCrossEntropyWithLogits`.
 * @param target - Of the same shape, in [0, 1].
 * @param options - `reduction` `"mean"`, `weight` none.
 * @throws {ShapeError} when the shapes do not fit.
 * @see torch.nn.functional.binary_cross_entropy.
 */
export function binaryCrossEntropy(
  prediction: Tensor,
  target: Tensor,
  options: BinaryCrossEntropyOptions = {},
): Tensor {
  const op = "binaryCrossEntropy";
  const kinds = { reduction: "any?", weight: "tensor?" } as const;
  const { reduction = "mean", weight } = checkCall(op, { prediction, target }, options, kinds);
  checkReduction(op, reduction);
  checkSameShape(op, ["prediction", prediction], ["target", target]);
  weighted(op, prediction, [["weight", weight]]);
  const plain = terms(inSingle(prediction), inSingle(target));
  return reduceTerms(weight ? mul(plain, weight) : plain, reduction);
}

/**
 * Binary cross entropy of logits, stable for logits of any size: `posWeight t log(1 + e^-x) + (1 - t) log(1 + e^x)`.
 *
 * @param logits - Any shape.
 * @param target - Of the same shape, in [0, 1].
 * @param options - `reduction` `"mean"`, `weight` none, `posWeight` none.
 * @throws {ShapeError} when the shapes do not fit.
 * @see torch.nn.functional.binary_cross_entropy_with_logits.
 */
export function binaryCrossEntropyWithLogits(
  logits: Tensor,
  target: Tensor,
  options: BinaryCrossEntropyWithLogitsOptions = {},
): Tensor {
  const op = "binaryCrossEntropyWithLogits";
  const kinds = { reduction: "any?", weight: "tensor?", posWeight: "tensor?" } as const;
  const { reduction = "mean", weight, posWeight } = checkCall(op, { logits, target }, options, kinds);
  checkReduction(op, reduction);
  checkSameShape(op, ["logits", logits], ["target", target]);
  weighted(op, logits, [
    ["weight", weight],
    ["posWeight", posWeight],
  ]);
  const [x, t] = [inSingle(logits), inSingle(target)];
  const positive = mul(t, softplus(neg(x)));
  const negative = mul(complement(t), softplus(x));
  const plain = add(posWeight ? mul(positive, posWeight) : positive, negative);
  return reduceTerms(weight ? mul(plain, weight) : plain, reduction);
}
