import { adagrad as kernel } from "../kernels/optimizer-update.js";
import { Optimizer, type Parameters, type UpdateRule } from "./optimizer.js";
import { checkRange } from "./parameter-group.js";

/** Options of `Adagrad`. */
export interface AdagradOptions {
  /** Default 0.01. */
  readonly lr?: number;
  /** The rate of step t is `lr / (1 + (t - 1) lrDecay)`. Default 0. */
  readonly lrDecay?: number;
  /** What the sum of squares starts with. Default 0. */
  readonly initialAccumulatorValue?: number;
  /** Default 1e-10. */
  readonly eps?: number;
  /** Factor of `parameter` added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** Climb instead of descend: the gradient's sign is turned. Default false. */
  readonly maximize?: boolean;
}

const rule: UpdateRule<Required<AdagradOptions>> = {
  name: "Adagrad",
  kinds: {
    lr: "number",
    lrDecay: "number",
    initialAccumulatorValue: "number",
    eps: "number",
    weightDecay: "number",
    maximize: "boolean",
  },
  kernel,
  check({ lrDecay, initialAccumulatorValue, eps, weightDecay }) {
    checkRange("Adagrad", "lrDecay", lrDecay);
    checkRange("Adagrad", "initialAccumulatorValue", initialAccumulatorValue);
    checkRange("Adagrad", "eps", eps);
    checkRange("Adagrad", "weightDecay", weightDecay);
  },
  slots: () => ["total"],
  scalars({ lr, lrDecay, eps, initialAccumulatorValue, maximize, weightDecay }, t) {
    return [
      lr / (1 + (t - 1) * lrDecay),
      eps,
      initialAccumulatorValue,
      maximize ? -1 : 1,
      weightDecay,
      t === 1 ? 1 : 0,
    ];
  },
};

/**
 * Adagrad: every element's rate falls with the sum of its squared gradients.
 *
 * `g += weightDecay p; s += g^2; p -= lr / (1 + (t - 1) lrDecay) g / (sqrt(s) + eps)`
 *
 * @throws {ShapeError} when a number is out of range.
 * @see Duchi, Hazan & Singer 2011; torch.optim.Adagrad.
 */
export class Adagrad extends Optimizer<Required<AdagradOptions>> {
  constructor(parameters: Parameters<Required<AdagradOptions>>, options: AdagradOptions = {}) {
    const off = { lrDecay: 0, initialAccumulatorValue: 0, weightDecay: 0, maximize: false };
    super(rule, parameters, options, { lr: 0.01, eps: 1e-10, ...off });
  }
}
