import { rmsprop as kernel } from "../kernels/optimizer-update.js";
import { Optimizer, type Parameters, type UpdateRule } from "./optimizer.js";
import { checkRange } from "./parameter-group.js";

/** Options of `RmsProp`. */
export interface RmsPropOptions {
  /** Default 0.01. */
  readonly lr?: number;
  /** How much of the old average stays. Default 0.99. */
  readonly alpha?: number;
  /** Default 1e-8. */
  readonly eps?: number;
  /** Default 0. */
  readonly momentum?: number;
  /** Divide by the spread around the gradient's average instead of its size. Default false. */
  readonly centered?: boolean;
  /** Factor of `parameter` added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** Climb instead of descend: the gradient's sign is turned. Default false. */
  readonly maximize?: boolean;
}

const rule: UpdateRule<Required<RmsPropOptions>> = {
  name: "RmsProp",
  kinds: {
    lr: "number",
    alpha: "number",
    eps: "number",
    momentum: "number",
    centered: "boolean",
    weightDecay: "number",
    maximize: "boolean",
  },
  kernel,
  check({ alpha, eps, momentum, weightDecay }) {
    checkRange("RmsProp", "alpha", alpha);
    checkRange("RmsProp", "eps", eps);
    checkRange("RmsProp", "momentum", momentum);
    checkRange("RmsProp", "weightDecay", weightDecay);
  },
  slots: ({ centered, momentum }) => [
    "square",
    ...(centered ? ["average"] : []),
    ...(momentum > 0 ? ["momentum"] : []),
  ],
  scalars({ lr, alpha, eps, momentum, maximize, weightDecay }, t) {
    return [lr, alpha, 1 - alpha, eps, momentum, maximize ? -1 : 1, weightDecay, t === 1 ? 1 : 0];
  },
  constants: ({ centered, momentum }) => ({ CENTERED: centered ? 1 : 0, MOMENTUM: momentum > 0 ? 1 : 0 }),
};

/**
 * RMSprop.
 *
 * `g += weightDecay p; v = alpha v + (1 - alpha) g^2; r = sqrt(v) + eps`, centered: `a = alpha a + (1 - alpha) g; r = sqrt(v - a^2) + eps`;
 * `b = momentum b + g / r; p -= lr b`
 *
 * @throws {ShapeError} when a number is out of range.
 * @see Tieleman & Hinton 2012; Graves 2013; torch.optim.RMSprop (TensorFlow's adds `eps` before the root).
 */
export class RmsProp extends Optimizer<Required<RmsPropOptions>> {
  constructor(parameters: Parameters<Required<RmsPropOptions>>, options: RmsPropOptions = {}) {
    const off = { momentum: 0, centered: false, weightDecay: 0, maximize: false };
    super(rule, parameters, options, { lr: 0.01, alpha: 0.99, eps: 1e-8, ...off });
  }
}
