import { adam as kernel } from "../kernels/optimizer-update.js";
import { checkMoments, momentKinds } from "./adam.js";
import { Optimizer, type Parameters, type UpdateRule } from "./optimizer.js";
import { checkRange } from "./parameter-group.js";

/** Options of `NAdam`. */
export interface NAdamOptions {
  /** Default 2e-3. */
  readonly lr?: number;
  /** Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly eps?: number;
  /** How fast the momentum rises to `betas[0]`. Default 4e-3. */
  readonly momentumDecay?: number;
  /** Factor of `parameter` added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** Climb instead of descend: the gradient's sign is turned. Default false. */
  readonly maximize?: boolean;
}

const momentumAt = (beta1: number, decay: number, t: number) => beta1 * (1 - 0.5 * 0.96 ** (t * decay));

/** Products of the first t momenta, by their options: each step adds one factor. */
const products = new Map<string, number[]>();

function momentumProduct(beta1: number, decay: number, t: number): number {
  const key = `${beta1} ${decay}`;
  const known = products.get(key) ?? [1];
  products.set(key, known);
  for (let i = known.length; i <= t; i++) known.push((known[i - 1] as number) * momentumAt(beta1, decay, i));
  return known[t] as number;
}

const rule: UpdateRule<Required<NAdamOptions>> = {
  name: "NAdam",
  kinds: { ...momentKinds, momentumDecay: "number" },
  kernel,
  check(options) {
    checkMoments("NAdam", options);
    checkRange("NAdam", "momentumDecay", options.momentumDecay);
  },
  slots: () => ["mean", "variance"],
  scalars({ lr, betas: [beta1, beta2], eps, momentumDecay, weightDecay, maximize }, t) {
    const [now, next] = [t, t + 1].map((step) => momentumAt(beta1, momentumDecay, step)) as [number, number];
    const product = momentumProduct(beta1, momentumDecay, t);
    const steps = [(lr * next) / (1 - product * next), (lr * (1 - now)) / (1 - product)];
    const moments = [beta1, beta2, 1 - beta1, 1 - beta2];
    const inverse = 1 / Math.sqrt(1 - beta2 ** t);
    return [...steps, inverse, eps, ...moments, maximize ? -1 : 1, weightDecay, 1, t === 1 ? 1 : 0];
  },
  constants: () => ({ AMSGRAD: 0 }),
};

/**
 * Adam with Nesterov momentum.
 *
 * `mu_t = beta1 (1 - 0.96^(t momentumDecay) / 2)`; moments as Adam's;
 * `p -= lr ((1 - mu_t) g / (1 - mu_1...mu_t) + mu_(t+1) m / (1 - mu_1...mu_(t+1))) / (sqrt(v) / sqrt(1 - beta2^t) + eps)`
 *
 * @throws {ShapeError} when a number is out of range.
 * @see Dozat 2016; torch.optim.NAdam.
 */
export class NAdam extends Optimizer<Required<NAdamOptions>> {
  constructor(parameters: Parameters<Required<NAdamOptions>>, options: NAdamOptions = {}) {
    const start = { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, momentumDecay: 4e-3 } as const;
    super(rule, parameters, options, { ...start, weightDecay: 0, maximize: false });
  }
}
