import { adam as adamKernel } from "../../kernels/adam.js";
import { checkSameShape, type Tensor } from "../tensor.js";

/** What one step of Adam reads and changes. */
export interface AdamTensors {
  /** Changed in place. */
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  /** First moment, of the parameter's shape, changed in place. */
  readonly mean: Tensor;
  /** Second moment, changed in place. */
  readonly variance: Tensor;
  /** Largest second moment so far, changed in place, for AMSGrad; `null` for Adam. */
  readonly largest: Tensor | null;
  /** f32 `[rows, 4]`: `lr / (1 - beta1^t)`, `1 / sqrt(1 - beta2^t)`, eps, 1 in the first step else 0. */
  readonly scalars: Tensor;
}

/** Numbers of an Adam step that stay the same. */
export interface AdamUpdateOptions {
  /** This parameter's row of `scalars`. */
  readonly row: number;
  readonly betas: readonly [number, number];
  readonly weightDecay: number;
}

/**
 * One step of Adam, in place, in one dispatch. Not differentiable. `Adam` is what calls it, and has the formula.
 *
 * @throws {ShapeError} when the shapes differ.
 * @see torch.optim.Adam
 */
export function adamUpdate(tensors: AdamTensors, options: AdamUpdateOptions): void {
  const { parameter, gradient, mean, variance, largest, scalars } = tensors;
  const named = { gradient, mean, variance, largest };
  for (const [name, other] of Object.entries(named))
    if (other) checkSameShape("adam", ["parameter", parameter], [name, other]);
  adamKernel(
    parameter.device,
    {
      scalars: scalars.storage,
      gradient: gradient.storage,
      mean: mean.storage,
      variance: variance.storage,
      largest: largest?.storage ?? null,
      parameter: parameter.storage,
    },
    { ...options, count: parameter.size },
  );
  for (const changed of [parameter, mean, variance, largest]) if (changed) changed.storage.version++;
}
