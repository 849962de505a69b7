import { ShapeError } from "../kernels/errors.js";
import { sgdUpdate } from "../tensor/ops/sgd.js";
import type { Tensor } from "../tensor/tensor.js";
import { checkRange, Optimizer, type ScalarRow } from "./optimizer.js";

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
}

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
export class Sgd extends Optimizer {
  readonly #options: Required<Omit<SgdOptions, "lr">>;

  constructor(parameters: readonly Tensor[], options: SgdOptions) {
    const { lr, momentum = 0, nesterov = false, dampening = 0, weightDecay = 0 } = options;
    checkRange("Sgd", "momentum", momentum);
    checkRange("Sgd", "weightDecay", weightDecay);
    if (nesterov && !(momentum > 0 && dampening === 0)) {
      throw new ShapeError(
        `Sgd: nesterov needs momentum above 0 and dampening 0, got momentum ${momentum} and dampening ${dampening}`,
      );
    }
    super("Sgd", parameters, lr, momentum > 0 ? ["momentum"] : []);
    this.#options = { momentum, nesterov, dampening, weightDecay };
  }

  protected override scalars(t: number): ScalarRow {
    return [this.lr, t === 1 ? 1 : 1 - this.#options.dampening, t === 1 ? 1 : 0, 0];
  }

  protected override update(
    parameter: Tensor,
    gradient: Tensor,
    context: { readonly row: number; readonly scalars: Tensor; readonly state: Readonly<Record<string, Tensor>> },
  ): void {
    const { row, scalars, state } = context;
    const { momentum, nesterov, weightDecay } = this.#options;
    sgdUpdate(
      { parameter, gradient, buffer: state["momentum"] ?? null, scalars },
      { row, momentum, nesterov, weightDecay },
    );
  }
}
