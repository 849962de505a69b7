import { adadelta as kernel } from "../kernels/optimizer-update.js";
import { Optimizer, type Parameters, type UpdateRule } from "./optimizer.js";
import { checkRange } from "./parameter-group.js";

/** Options of `Adadelta`. */
export interface AdadeltaOptions {
  /** Factor of the step. Default 1. */
  readonly lr?: number;
  /** How much of the old averages stays. Default 0.9. */
  readonly rho?: number;
  /** Default 1e-6. */
  readonly eps?: number;
  /** Factor of `parameter` added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** Climb instead of descend: the gradient's sign is turned. Default false. */
  readonly maximize?: boolean;
}

const rule: UpdateRule<Required<AdadeltaOptions>> = {
  name: "Adadelta",
  kinds: { lr: "number", rho: "number", eps: "number", weightDecay: "number", maximize: "boolean" },
  kernel,
  check({ rho, eps, weightDecay }) {
    checkRange("Adadelta", "rho", rho, 1);
    checkRange("Adadelta", "eps", eps);
    checkRange("Adadelta", "weightDecay", weightDecay);
  },
  slots: () => ["square", "delta"],
  scalars({ lr, rho, eps, maximize, weightDecay }, t) {
    return [lr, rho, 1 - rho, eps, maximize ? -1 : 1, weightDecay, t === 1 ? 1 : 0];
  },
};

/**
 * Adadelta: steps in the parameter's own units.
 *
 * `g += weightDecay p; v = rho v + (1 - rho) g^2; d = sqrt(u + eps) / sqrt(v + eps) g; u = rho u + (1 - rho) d^2; p -= lr d`
 *
 * @throws {ShapeError} when a number is out of range.
 * @see Zeiler 2012, arXiv:1212.5701; torch.optim.Adadelta.
 */
export class Adadelta extends Optimizer<Required<AdadeltaOptions>> {
  constructor(parameters: Parameters<Required<AdadeltaOptions>>, options: AdadeltaOptions = {}) {
    super(rule, parameters, options, { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false });
  }
}
