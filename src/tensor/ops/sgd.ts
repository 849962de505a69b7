import { sgd as sgdKernel } from "../../kernels/sgd.js";
import { checkSameShape, type Tensor } from "../tensor.js";

/** What one step of gradient descent reads and changes. */
export interface SgdTensors {
  /** Changed in place. */
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  /** Momentum, of the parameter's shape, changed in place; `null` for none. */
  readonly buffer: Tensor | null;
  /** f32 `[rows, 4]`: lr, `1 - dampening` (1 in the first step), 1 in the first step else 0, unused. */
  readonly scalars: Tensor;
}

/** Numbers of a gradient-descent step that stay the same. */
export interface SgdUpdateOptions {
  /** This parameter's row of `scalars`. */
  readonly row: number;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/**
 * One step of gradient descent, in place, in one dispatch. Not differentiable. `Sgd` is what calls it.
 *
 * `g = gradient + weightDecay parameter; buffer = momentum buffer + (1 - dampening) g; parameter -= lr (nesterov ? g + momentum buffer : buffer)`
 *
 * @throws {ShapeError} when the shapes differ.
 * @see torch.optim.SGD
 */
export function sgdUpdate({ parameter, gradient, buffer, scalars }: SgdTensors, options: SgdUpdateOptions): void {
  checkSameShape("sgd", ["parameter", parameter], ["gradient", gradient]);
  if (buffer) checkSameShape("sgd", ["parameter", parameter], ["buffer", buffer]);
  sgdKernel(
    parameter.device,
    {
      scalars: scalars.storage,
      gradient: gradient.storage,
      buffer: buffer?.storage ?? null,
      parameter: parameter.storage,
    },
    { ...options, count: parameter.size },
  );
  for (const changed of [parameter, buffer]) if (changed) changed.storage.version++;
}
