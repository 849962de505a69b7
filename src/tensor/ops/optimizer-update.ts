import type { KernelSource } from "../../kernels/kernel.js";
import { updateParameters } from "../../kernels/optimizer-update.js";
import { checkSameShape, type Tensor } from "../tensor.js";

/** What the update of one parameter reads and changes. */
export interface UpdateTensors {
  /** Changed in place. */
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  /** This parameter's row of `scalars`. */
  readonly row: number;
  /** State of the parameter's shape by the kernel's names, changed in place. */
  readonly state: Readonly<Record<string, Tensor>>;
}

/** How parameters are updated. */
export interface UpdateOptions {
  /** The WGSL file, which has the formula. */
  readonly kernel: KernelSource;
  /** f32 `[rows, width]`: the kernel's `Scalars`, one row a parameter. */
  readonly scalars: Tensor;
  /** Values of the kernel's constants, which say what parts of the rule are on. */
  readonly constants?: Readonly<Record<string, number>>;
}

/**
 * In-place updates of parameters and their states under one rule, several in each dispatch, as if one after the other. Not
 * differentiable. The optimizers call it, and have the formulas.
 *
 * @param updates - All with the same names of states.
 * @throws {ShapeError} when the shapes of one differ; nothing is changed then.
 */
export function optimizerUpdate(
  updates: readonly UpdateTensors[],
  { kernel, scalars, constants = {} }: UpdateOptions,
): void {
  for (const { parameter, gradient, state } of updates) {
    checkSameShape(kernel.name, ["parameter", parameter], ["gradient", gradient]);
    for (const [name, slot] of Object.entries(state))
      checkSameShape(kernel.name, ["parameter", parameter], [name, slot]);
  }
  updateParameters(scalars.device, {
    kernel,
    scalars: scalars.storage,
    constants,
    updates: updates.map(({ parameter, gradient, row, state }) => ({
      row,
      count: parameter.size,
      gradient: gradient.storage,
      parameter: parameter.storage,
      state: Object.fromEntries(Object.entries(state).map(([name, slot]) => [name, slot.storage])),
    })),
  });
  for (const { parameter, state } of updates)
    for (const changed of [parameter, ...Object.values(state)]) changed.storage.version++;
}
