import { adamax as kernel } from "../kernels/optimizer-update.js";
import { checkMoments, momentKinds } from "./adam.js";
import { Optimizer, type Parameters, type UpdateRule } from "./optimizer.js";

/** Options of `Adamax`. */
export interface AdamaxOptions {
  /** Default 2e-3. */
  readonly lr?: number;
  /** Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly eps?: number;
  /** Factor of `parameter` added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** Climb instead of descend: the gradient's sign is turned. Default false. */
  readonly maximize?: boolean;
}

const rule: UpdateRule<Required<AdamaxOptions>> = {
  name: "Adamax",
  kinds: momentKinds,
  kernel,
  check: (options) => checkMoments("Adamax", options),
  slots: () => ["mean", "largest"],
  scalars({ lr, betas: [beta1, beta2], eps, weightDecay, maximize }, t) {
    return [lr / (1 - beta1 ** t), beta1, 1 - beta1, beta2, eps, maximize ? -1 : 1, weightDecay, t === 1 ? 1 : 0];
  },
};

/**
 * Adam with the largest recent gradient in place of the second moment.
 *
 * `g += weightDecay p; m = beta1 m + (1 - beta1) g; u = max(beta2 u, |g| + eps); p -= lr / (1 - beta1^t) m / u`
 *
 * @throws {ShapeError} when a number is out of range.
 * @see Kingma & Ba 2015, section 7.1; torch.optim.Adamax.
 */
export class Adamax extends Optimizer<Required<AdamaxOptions>> {
  constructor(parameters: Parameters<Required<AdamaxOptions>>, options: AdamaxOptions = {}) {
    const start = { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false } as const;
    super(rule, parameters, options, start);
  }
}
