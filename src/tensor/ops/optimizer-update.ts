import { type UpdateKernel, updateParameter } from "../../kernels/optimizer-update.js";
import { checkSameShape, type Tensor } from "../tensor.js";

/** What one update of a parameter reads and changes. */
export interface UpdateTensors {
  /** Changed in place. */
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  /** f32 `[rows, width]`: the kernel's `Scalars`, one row a parameter. */
  readonly scalars: Tensor;
  /** State of the parameter's shape by the kernel's names, changed in place. */
  readonly state: Readonly<Record<string, Tensor>>;
}

/** How a parameter is updated. */
export interface UpdateOptions {
  /** Name of the WGSL file, which has the formula. */
  readonly kernel: UpdateKernel;
  /** This parameter's row of `scalars`. */
  readonly row: number;
  /** Values of the kernel's constants, which say what parts of the rule are on. */
  readonly constants?: Readonly<Record<string, number>>;
}

/**
 * One in-place update of a parameter and its state, in one dispatch. Not differentiable. The optimizers call it, and have
 * the formulas.
 *
 * @throws {ShapeError} when the shapes differ.
 */
export function optimizerUpdate(tensors: UpdateTensors, { kernel, row, constants = {} }: UpdateOptions): void {
  const { parameter, gradient, scalars, state } = tensors;
  checkSameShape(kernel, ["parameter", parameter], ["gradient", gradient]);
  for (const [name, slot] of Object.entries(state)) checkSameShape(kernel, ["parameter", parameter], [name, slot]);
  const storages = Object.fromEntries(Object.entries(state).map(([name, slot]) => [name, slot.storage]));
  updateParameter(parameter.device, {
    kernel,
    scalars: scalars.storage,
    row,
    count: parameter.size,
    gradient: gradient.storage,
    parameter: parameter.storage,
    state: storages,
    constants,
  });
  for (const changed of [parameter, ...Object.values(state)]) changed.storage.version++;
}
