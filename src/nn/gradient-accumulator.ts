import { ShapeError } from "../kernels/errors.js";
import { blend } from "../kernels/optimizer-update.js";
import { Gradients } from "../tensor/backward.js";
import { optimizerUpdate } from "../tensor/ops/optimizer-update.js";
import { checkKind, readOptions } from "../tensor/options.js";
import { empty, full, type Tensor } from "../tensor/tensor.js";
import { checkGradients } from "./clip.js";

/**
 * Adds up gradients over several batches, for steps on more rows than fit at once. The sums live outside all scopes.
 *
 * @example
 * for (const [x, y] of parts) {
 *   using scope = device.scope();
 *   sums.add(backward(mse(net.forward(x), y)), { weight: 1 / parts.length });
 * }
 * optimizer.step(sums.take());
 */
export class GradientAccumulator {
  readonly #parameters: readonly Tensor[];
  readonly #sums = new Map<Tensor, Tensor>();
  readonly #table: Tensor;
  /** Parameters whose sum has begun. */
  readonly #begun = new Set<Tensor>();

  /** @throws {ShapeError} when there is no parameter. */
  constructor(parameters: readonly Tensor[]) {
    checkKind("GradientAccumulator", "parameters", parameters, "tensors");
    const device = parameters[0]?.device;
    if (!device) throw new ShapeError("GradientAccumulator: needs at least one parameter");
    device.recorder.refuse(
      "GradientAccumulator",
      "made in a captured function, it would start anew in its first call only",
    );
    this.#parameters = [...parameters];
    this.#table = device.unscoped(() => full(device, [parameters.length, 2], 0));
  }

  /**
   * Adds `weight` (default 1) times these gradients to the sums.
   *
   * @throws {ShapeError} when a gradient's shape is not its parameter's.
   */
  add(gradients: ReadonlyMap<Tensor, Tensor>, options: { readonly weight?: number } = {}): void {
    checkGradients("GradientAccumulator.add", gradients);
    const kinds = { weight: "finite?" } as const;
    const { weight = 1 } = readOptions<{ readonly weight?: number }>("GradientAccumulator.add", options, kinds);
    const given = this.#parameters.flatMap((parameter, row) => {
      const gradient = gradients.get(parameter);
      return gradient ? [{ parameter, row, gradient, sum: this.#sumOf(parameter) }] : [];
    });
    const table = this.#table;
    table.device.recorder.hostWrite(
      table.storage,
      () => {
        table.write(this.#parameters.flatMap((parameter) => [this.#begun.has(parameter) ? 1 : 0, weight]));
        for (const { parameter } of given) this.#begun.add(parameter);
      },
      this.#saveBegun,
    );
    const updates = given.map(({ row, gradient, sum }) => ({ parameter: sum, gradient, row, state: {} }));
    optimizerUpdate(updates, { kernel: blend, scalars: table });
  }

  /** The sums by parameter, for an optimizer. They stay as they are until the next `add`, which begins new ones. */
  take(): Gradients {
    const table = this.#table;
    const sums = new Gradients([...this.#begun].map((parameter) => [parameter, this.#sumOf(parameter)]));
    table.device.recorder.hostWrite(table.storage, () => this.#begun.clear(), this.#saveBegun);
    return sums;
  }

  readonly #saveBegun = () => {
    const begun = [...this.#begun];
    return () => {
      this.#begun.clear();
      for (const parameter of begun) this.#begun.add(parameter);
    };
  };

  /** Frees the sums. */
  dispose(): void {
    for (const sum of this.#sums.values()) sum.dispose();
    this.#sums.clear();
    this.#begun.clear();
    this.#table.dispose();
  }

  #sumOf(parameter: Tensor): Tensor {
    const known = this.#sums.get(parameter);
    if (known) return known;
    const { device, shape } = parameter;
    const sum = device.unscoped(() => empty(device, shape, "f32", "GradientAccumulator/sum"));
    this.#sums.set(parameter, sum);
    return sum;
  }
}
