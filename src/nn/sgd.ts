import { ShapeError } from "../kernels/errors.js";
import { sgd as kernel } from "../kernels/optimizer-update.js";
import { Optimizer, type Parameters, type UpdateRule } from "./optimizer.js";
import { checkRange } from "./parameter-group.js";

/** Options of `Sgd`. */
export interface SgdOptions {
  readonly lr: number;
  /** Default 0. */
  readonly momentum?: number;
  /** Default false. */
  readonly nesterov?: boolean;
  /** Default 0. */
  readonly dampening?: number;
  /** Factor of `parameter` added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** Climb instead of descend: the gradient's sign is turned. Default false. */
  readonly maximize?: boolean;
}

const rule: UpdateRule<Required<SgdOptions>> = {
  name: "Sgd",
  kinds: {
    lr: "number",
    momentum: "number",
    nesterov: "boolean",
    dampening: "number",
    weightDecay: "number",
    maximize: "boolean",
  },
  kernel,
  check({ momentum, dampening, weightDecay, nesterov }) {
    checkRange("Sgd", "momentum", momentum);
    checkRange("Sgd", "weightDecay", weightDecay);
    if (!Number.isFinite(dampening)) throw new ShapeError(`Sgd: dampening must be a finite number, got ${dampening}`);
    if (nesterov && !(momentum > 0 && dampening === 0)) {
      throw new ShapeError(
        `Sgd: nesterov needs momentum above 0 and dampening 0, got momentum ${momentum} and dampening ${dampening}`,
      );
    }
  },
  slots: ({ momentum }) => (momentum > 0 ? ["momentum"] : []),
  scalars({ lr, maximize, weightDecay, momentum, dampening }, t) {
    const first = t === 1 ? 1 : 0;
    return [lr, maximize ? -1 : 1, weightDecay, momentum, first ? 1 : 1 - dampening, first];
  },
  constants: ({ momentum, nesterov }) => ({ MOMENTUM: momentum > 0 ? 1 : 0, NESTEROV: nesterov ? 1 : 0 }),
};

/**
 * Stochastic gradient descent.
 *
 * `g += weightDecay p; b = momentum b + (1 - dampening) g` (first step: `b = g`); `p -= lr (nesterov ? g + momentum b : b)`
 *
 * As in PyTorch, the learning rate stands outside the momentum buffer. Keras keeps `v = -lr b` instead: the same steps while
 * the rate is constant; after a change of it Keras goes on with steps of the old size until they have died away. Its
 * Nesterov form, `p += momentum v - lr g`, is the same as this one.
 *
 * @throws {ShapeError} when a number is out of range, or `nesterov` comes without momentum or with dampening.
 * @see torch.optim.SGD; Sutskever et al. 2013.
 */
export class Sgd extends Optimizer<Required<SgdOptions>> {
  constructor(parameters: Parameters<Required<SgdOptions>>, options: SgdOptions) {
    const off = { momentum: 0, nesterov: false, dampening: 0, weightDecay: 0, maximize: false };
    super(rule, parameters, options, off);
  }
}
