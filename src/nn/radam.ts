import { adam as kernel } from "../kernels/optimizer-update.js";
import { checkMoments, momentKinds } from "./adam.js";
import { Optimizer, type Parameters, type UpdateRule } from "./optimizer.js";

/** Options of `RAdam`. */
export interface RAdamOptions {
  /** Default 1e-3. */
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

/** How much of Adam's step the second moment's few samples allow; `null`: too few, so that the step is momentum alone. */
function rectification(beta2: number, t: number): number | null {
  const most = 2 / (1 - beta2) - 1;
  const length = most - (2 * t * beta2 ** t) / (1 - beta2 ** t);
  if (length <= 5) return null;
  return Math.sqrt(((length - 4) * (length - 2) * most) / ((most - 4) * (most - 2) * length));
}

const rule: UpdateRule<Required<RAdamOptions>> = {
  name: "RAdam",
  kinds: momentKinds,
  kernel,
  check: (options) => checkMoments("RAdam", options),
  slots: () => ["mean", "variance"],
  scalars({ lr, betas: [beta1, beta2], eps, weightDecay, maximize }, t) {
    const rectified = rectification(beta2, t);
    const inverse = 1 / Math.sqrt(1 - beta2 ** t);
    // Before the correction of the root, where this rule adds eps; with root and eps 0 and 1, the step is momentum alone.
    const root = rectified === null ? [0, 1] : [inverse, eps * inverse];
    const step = (lr / (1 - beta1 ** t)) * (rectified ?? 1);
    const moments = [beta1, beta2, 1 - beta1, 1 - beta2];
    return [step, 0, ...root, ...moments, maximize ? -1 : 1, weightDecay, 1, t === 1 ? 1 : 0];
  },
  constants: () => ({ AMSGRAD: 0 }),
};

/**
 * Adam that waits for its second moment: momentum alone at first, then Adam's step times a factor that rises to 1.
 *
 * `p -= lr / (1 - beta1^t) m r_t sqrt(1 - beta2^t) / (sqrt(v) + eps)` once `rho_t > 5`, else `p -= lr / (1 - beta1^t) m`, with
 * `rho = 2 / (1 - beta2) - 1`, `rho_t = rho - 2 t beta2^t / (1 - beta2^t)` and
 * `r_t = sqrt((rho_t - 4)(rho_t - 2) rho / ((rho - 4)(rho - 2) rho_t))`
 *
 * @throws {ShapeError} when a number is out of range.
 * @see Liu et al. 2020, arXiv:1908.03265; torch.optim.RAdam.
 */
export class RAdam extends Optimizer<Required<RAdamOptions>> {
  constructor(parameters: Parameters<Required<RAdamOptions>>, options: RAdamOptions = {}) {
    const start = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false } as const;
    super(rule, parameters, options, start);
  }
}
