import { ShapeError } from "../kernels/errors.js";
import { blend } from "../kernels/optimizer-update.js";
import { optimizerUpdate } from "../tensor/ops/optimizer-update.js";
import { checkKind, readOptions, show } from "../tensor/options.js";
import type { Shape } from "../tensor/shape.js";
import { empty, full, type Tensor } from "../tensor/tensor.js";
import type { Module } from "./module.js";
import { checkState, type StateEntry } from "./state.js";

/** Options of `Ema`. */
export interface EmaOptions {
  /** How much of the old average an update keeps. Default 0.999. */
  readonly decay?: number;
  /** Keep `(1 + t) / (10 + t)` in update t, counted from 1, while that is less: averages of a short history. Default false. */
  readonly warmUp?: boolean;
}

/**
 * Exponential moving averages of a module's f32 tensors, parameters and buffers: `average = decay average + (1 - decay) tensor`.
 * They start as copies, and live outside all scopes until `dispose`.
 *
 * @see Polyak & Juditsky 1992; torch.optim.swa_utils.AveragedModel.
 *
 * @example
 * const ema = new Ema(net, { decay: 0.99 });
 * optimizer.step(backward(loss)); ema.update();
 * ema.swap(); // evaluate with the averages
 * ema.swap(); // go on training
 */
export class Ema {
  readonly #live: ReadonlyMap<string, Tensor>;
  readonly #averages: ReadonlyMap<string, Tensor>;
  readonly #table: Tensor;
  readonly #savedUpdates: Tensor;
  readonly #options: Required<EmaOptions>;
  #updates = 0;
  #swapped = false;

  /** @throws {ShapeError} unless `decay` lies in [0, 1] and the module has a tensor to average. */
  constructor(module: Module, options: EmaOptions = {}) {
    checkKind("Ema", "module", module, "module");
    const given = readOptions<EmaOptions>("Ema", options, { decay: "number?", warmUp: "boolean?" });
    const { decay = 0.999, warmUp = false } = given;
    if (!(decay >= 0 && decay <= 1)) throw new ShapeError(`Ema: decay must lie in [0, 1], got ${decay}`);
    this.#live = new Map([...module.stateDict()].filter(([, { dtype }]) => dtype === "f32"));
    const first = this.#live.values().next().value;
    if (!first) throw new ShapeError("Ema: the module has no f32 tensor");
    const { device } = first;
    device.recorder.refuse("Ema", "made in a captured function, it would start anew in its first call only");
    this.#options = { decay, warmUp };
    const copy = (tensor: Tensor) => {
      const result = empty(device, tensor.shape, "f32", "Ema/average");
      device.copy(tensor.storage, 0, result.storage, 0, 4 * tensor.size);
      return result;
    };
    this.#averages = device.unscoped(() => new Map([...this.#live].map(([name, tensor]) => [name, copy(tensor)])));
    this.#table = device.unscoped(() => full(device, [1, 2], 0));
    this.#savedUpdates = device.unscoped(() => full(device, [1], 0, { dtype: "i32" }));
  }

  /** Moves the averages towards the tensors. @throws {ShapeError} while they are swapped in. */
  update(): void {
    if (this.#swapped) throw new ShapeError("Ema: update while the averages are swapped in; call swap() first");
    const table = this.#table;
    table.device.recorder.hostWrite(
      table.storage,
      () => {
        const { decay, warmUp } = this.#options;
        const t = ++this.#updates;
        const keep = warmUp ? Math.min(decay, (1 + t) / (10 + t)) : decay;
        table.write([keep, 1 - keep]);
      },
      () => {
        const updates = this.#updates;
        return () => {
          this.#updates = updates;
        };
      },
    );
    const updates = [...this.#live].map(([name, tensor]) => {
      return { parameter: this.#averages.get(name) as Tensor, gradient: tensor, row: 0, state: {} };
    });
    optimizerUpdate(updates, { kernel: blend, scalars: table });
  }

  /** True while the module holds the averages. */
  get swapped(): boolean {
    return this.#swapped;
  }

  /** Exchanges the module's tensors and the averages, in place: once to evaluate, once more to go on training. */
  swap(): void {
    for (const [name, tensor] of this.#live) {
      const { device, size } = tensor;
      device.recorder.refuse("Ema.swap", "in a captured function it would happen in its first call only");
      const average = this.#averages.get(name) as Tensor;
      const spare = device.unscoped(() => empty(device, tensor.shape, "f32", "Ema/spare"));
      device.copy(tensor.storage, 0, spare.storage, 0, 4 * size);
      device.copy(average.storage, 0, tensor.storage, 0, 4 * size);
      device.copy(spare.storage, 0, average.storage, 0, 4 * size);
      spare.dispose();
      for (const changed of [tensor, average]) changed.storage.version++;
    }
    this.#swapped = !this.#swapped;
  }

  /** The averages by the module's names, and `updates`: the tensors themselves, not copies. Swap back before. */
  stateDict(): Map<string, Tensor> {
    this.#savedUpdates.write([this.#updates]);
    return new Map([["updates", this.#savedUpdates], ...this.#averages]);
  }

  /** Puts saved averages back. @throws {ShapeError} naming every entry that does not fit; nothing is changed then. */
  loadStateDict(entries: ReadonlyMap<string, StateEntry>): void {
    const shapes = [...this.#averages].map(([name, { shape }]): [string, Shape] => [name, shape]);
    checkState("Ema.loadStateDict", new Map([["updates", [1]], ...shapes]), entries);
    const updates = (entries.get("updates") as StateEntry).values[0] as number;
    if (!Number.isInteger(updates) || updates < 0)
      throw new ShapeError(`Ema.loadStateDict: updates must be a whole number >= 0, got ${show(updates)}`);
    this.#updates = updates;
    for (const [name, tensor] of this.#averages) tensor.write((entries.get(name) as StateEntry).values);
  }

  /** Frees the averages; the module stays. */
  dispose(): void {
    for (const tensor of [...this.#averages.values(), this.#table, this.#savedUpdates]) tensor.dispose();
  }
}
