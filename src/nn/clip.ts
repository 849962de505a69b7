import { ShapeError } from "../kernels/errors.js";
import { Gradients } from "../tensor/backward.js";
import { add, div, maximum, mul, sqrt, square } from "../tensor/ops/elementwise.js";
import { sum } from "../tensor/ops/sum.js";
import { constant, type Tensor } from "../tensor/tensor.js";

/** Clipped gradients, and the length they had, as a scalar tensor. */
export interface ClippedGradients {
  readonly gradients: Gradients;
  readonly norm: Tensor;
}

/**
 * Shortens all gradients together, as one vector, to length `maxNorm` where they are longer. Nothing is read from the GPU.
 *
 * `norm = sqrt(sum over tensors of sum g^2); g * maxNorm / max(norm, maxNorm)`
 *
 * @throws {ShapeError} unless `maxNorm` is above 0 and there is a gradient.
 * @see Pascanu, Mikolov & Bengio 2013.
 */
export function clipByGlobalNorm(
  gradients: ReadonlyMap<Tensor, Tensor>,
  { maxNorm }: { readonly maxNorm: number },
): ClippedGradients {
  const first = gradients.values().next().value;
  if (!(maxNorm > 0)) throw new ShapeError(`clipByGlobalNorm: maxNorm must be above 0, got ${maxNorm}`);
  if (!first) throw new ShapeError("clipByGlobalNorm: there are no gradients");
  const { device } = first;
  return device.noGrad(() => {
    const squares = [...gradients.values()].map((gradient) => sum(square(gradient)));
    const norm = sqrt(squares.reduce((a, b) => add(a, b)));
    const limit = constant(device, maxNorm);
    const factor = div(limit, maximum(norm, limit));
    return { gradients: new Gradients([...gradients].map(([tensor, g]) => [tensor, mul(g, factor)])), norm };
  });
}
