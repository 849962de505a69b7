import { adam as kernel } from "../kernels/optimizer-update.js";
import { Optimizer, type Parameters, type UpdateRule } from "./optimizer.js";
import { checkRange } from "./parameter-group.js";

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
  /** Factor of `parameter` added to the gradient (`AdamW`: subtracted from the parameter itself). Default 0 (`AdamW`: 0.01). */
  readonly weightDecay?: number;
  /** Climb instead of descend: the gradient's sign is turned. Default false. */
  readonly maximize?: boolean;
  /**
   * Add `eps` to the root of the second moment before its bias is corrected, as Keras does (and the paper's "efficient" form):
   * the same as `eps / sqrt(1 - beta2^t)` after it. Default false.
   */
  readonly epsBeforeCorrection?: boolean;
}

const defaults: Required<AdamOptions> = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  amsgrad: false,
  weightDecay: 0,
  maximize: false,
  epsBeforeCorrection: false,
};

/** What the options may be that the family of Adam has in common. */
export const momentKinds = {
  lr: "number",
  betas: "two",
  eps: "number",
  weightDecay: "number",
  maximize: "boolean",
} as const;

/** Checks what the family of Adam has in common. @throws {ShapeError} when a number is out of range. */
export function checkMoments(
  op: string,
  { betas, eps, weightDecay }: { betas: readonly [number, number]; eps: number; weightDecay: number },
): void {
  checkRange(op, "betas[0]", betas[0], 1);
  checkRange(op, "betas[1]", betas[1], 1);
  checkRange(op, "eps", eps);
  checkRange(op, "weightDecay", weightDecay);
}

/** @param decoupled - Weight decay shrinks the parameter itself instead of going through the moments. */
function adamRule(name: "Adam" | "AdamW", decoupled: boolean): UpdateRule<Required<AdamOptions>> {
  return {
    name,
    kinds: { ...momentKinds, amsgrad: "boolean", epsBeforeCorrection: "boolean" },
    kernel,
    check: (options) => checkMoments(name, options),
    slots: ({ amsgrad }) => (amsgrad ? ["mean", "variance", "largest"] : ["mean", "variance"]),
    scalars({ lr, betas: [beta1, beta2], eps, weightDecay, maximize, epsBeforeCorrection }, t) {
      const inverse = 1 / Math.sqrt(1 - beta2 ** t);
      const correctedEps = epsBeforeCorrection ? eps * inverse : eps;
      const [added, keep] = decoupled ? [0, 1 - lr * weightDecay] : [weightDecay, 1];
      const moments = [beta1, beta2, 1 - beta1, 1 - beta2];
      return [
        lr / (1 - beta1 ** t),
        0,
        inverse,
        correctedEps,
        ...moments,
        maximize ? -1 : 1,
        added,
        keep,
        t === 1 ? 1 : 0,
      ];
    },
    constants: ({ amsgrad }) => ({ AMSGRAD: amsgrad ? 1 : 0 }),
  };
}

const coupledRule = adamRule("Adam", false);
const decoupledRule = adamRule("AdamW", true);

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
export class Adam extends Optimizer<Required<AdamOptions>> {
  constructor(parameters: Parameters<Required<AdamOptions>>, options: AdamOptions = {}) {
    super(coupledRule, parameters, options, defaults);
  }
}

/**
 * Adam whose weight decay shrinks the parameters themselves: `p = (1 - lr weightDecay) p`, then Adam's step without it.
 *
 * @throws {ShapeError} when a number is out of range.
 * @see Loshchilov & Hutter 2019; torch.optim.AdamW.
 */
export class AdamW extends Optimizer<Required<AdamOptions>> {
  constructor(parameters: Parameters<Required<AdamOptions>>, options: AdamOptions = {}) {
    super(decoupledRule, parameters, options, { ...defaults, weightDecay: 0.01 });
  }
}
