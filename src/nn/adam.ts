import { adamUpdate } from "../tensor/ops/adam.js";
import type { Tensor } from "../tensor/tensor.js";
import { checkRange, Optimizer, type ScalarRow } from "./optimizer.js";

/** Options of `Adam`. */
export interface AdamOptions {
  /** Default 1e-3. */
  readonly lr?: number;
  /** Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly eps?: number;
  /** Divide by the largest second moment so far. Default false. */
  readonly amsgrad?: boolean;
  /** Factor of `parameter` added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /**
   * Add `eps` to the root of the second moment before its bias is corrected, as Keras does (and the paper's "efficient" form):
   * the same as `eps / sqrt(1 - beta2^t)` after it. Default false.
   */
  readonly epsBeforeCorrection?: boolean;
}

/**
 * Adam, and AMSGrad.
 *
 * `g += weightDecay p; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2`, with AMSGrad `v' = max(v', v)` in place of `v`;
 * `p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)`
 *
 * `t` counts the steps of each parameter, so one that has been skipped starts afresh.
 *
 * @throws {ShapeError} when a number is out of range.
 * @see Kingma & Ba 2015; Reddi et al. 2018; torch.optim.Adam.
 */
export class Adam extends Optimizer {
  readonly #options: Required<Omit<AdamOptions, "lr" | "amsgrad">>;

  constructor(parameters: readonly Tensor[], options: AdamOptions = {}) {
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, amsgrad = false } = options;
    const { weightDecay = 0, epsBeforeCorrection = false } = options;
    checkRange("Adam", "betas[0]", betas[0], 1);
    checkRange("Adam", "betas[1]", betas[1], 1);
    checkRange("Adam", "eps", eps);
    checkRange("Adam", "weightDecay", weightDecay);
    super("Adam", parameters, lr, amsgrad ? ["mean", "variance", "largest"] : ["mean", "variance"]);
    this.#options = { betas, eps, weightDecay, epsBeforeCorrection };
  }

  protected override scalars(t: number): ScalarRow {
    const { betas, eps, epsBeforeCorrection } = this.#options;
    const inverse = 1 / Math.sqrt(1 - betas[1] ** t);
    return [this.lr / (1 - betas[0] ** t), inverse, epsBeforeCorrection ? eps * inverse : eps, t === 1 ? 1 : 0];
  }

  protected override update(
    parameter: Tensor,
    gradient: Tensor,
    context: { readonly row: number; readonly scalars: Tensor; readonly state: Readonly<Record<string, Tensor>> },
  ): void {
    const { row, scalars, state } = context;
    const { betas, weightDecay } = this.#options;
    const { mean, variance, largest = null } = state as { mean: Tensor; variance: Tensor; largest?: Tensor };
    adamUpdate({ parameter, gradient, mean, variance, largest, scalars }, { row, betas, weightDecay });
  }
}
