/** Comparing an op's gradients with finite differences: public, because a custom op needs it as much as the built-in ones do. */
import { GradError } from "../kernels/errors.js";
import { backward } from "./backward.js";
import { checkKind, readOptions } from "./options.js";
import { formatShape } from "./shape.js";
import { checkTensor, type Tensor, tensor } from "./tensor.js";

/** Options of `gradcheck`. */
export interface GradcheckOptions {
  /** Random directions to try. Default 3. */
  readonly directions?: number;
  /** Step of the central difference. Default 5e-3, near the cube root of f32's rounding error, which balances both errors. */
  readonly step?: number;
  /** Largest error allowed, relative to the size of the derivative and of the terms it is made of. Default 1e-2. */
  readonly tolerance?: number;
  /** Seed of the directions. Default 0. */
  readonly seed?: number;
}

/** Deterministic numbers in [-1, 1]. */
function directionSource(seed: number): () => number {
  let state = (seed * 2654435761 + 0x9e3779b9) >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] as number) * (b[i] as number);
  return total;
};

const absoluteDot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += Math.abs((a[i] as number) * (b[i] as number));
  return total;
};

/**
 * Checks the gradients of `f` with central differences along random directions: one number a direction, whatever the size.
 *
 * @param f - A function of f32 tensors, deterministic, with an output of any shape.
 * @param inputs - Where to check; every one is differentiated.
 * @returns The largest relative error seen.
 * @throws {GradError} when it exceeds the tolerance, with both numbers and the direction's index.
 *
 * @example
 * await gradcheck((x) => mul(x, x), [tensor(device, [1, 2, 3])]);
 */
export async function gradcheck(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): Promise<number> {
  const kinds = { directions: "size?", step: "finite?", tolerance: "finite?", seed: "finite?" } as const;
  const given = readOptions<GradcheckOptions>("gradcheck", options, kinds);
  const { directions = 3, step = 5e-3, tolerance = 1e-2, seed = 0 } = given;
  if (!(step > 0 && tolerance > 0))
    throw new GradError(`gradcheck: step and tolerance must be above 0, got ${step} and ${tolerance}`);
  checkKind("gradcheck", "f", f, "function");
  checkKind("gradcheck", "inputs", inputs, "tensors");
  const first = inputs[0];
  if (!first) throw new GradError("gradcheck: needs at least one input");
  const { device } = first;
  const random = directionSource(seed);
  const values = await Promise.all(inputs.map((input) => input.data()));
  const evaluate = async (shift: number, along: readonly Float64Array[], weights: Float64Array | null) => {
    using _scope = device.scope();
    const shifted = inputs.map((input, i) => {
      const base = values[i] as Float32Array;
      return tensor(
        device,
        Float64Array.from(base, (v, j) => v + shift * ((along[i] as Float64Array)[j] as number)),
        input.shape,
      );
    });
    const output = await device.noGrad(() => f(...shifted)).data();
    return weights ? dot(output, weights) : output;
  };

  using _outer = device.scope();
  const leaves = inputs.map((input, i) =>
    tensor(device, values[i] as Float32Array, input.shape, { requiresGrad: true }),
  );
  const output = f(...leaves);
  checkTensor("gradcheck", "what f returns", output);
  const weights = Float64Array.from({ length: output.size }, random);
  const gradients = backward(output, { wrt: leaves, gradOutput: tensor(device, weights, output.shape) });
  const analytic = await Promise.all(
    leaves.map(async (leaf) => (await gradients.get(leaf)?.data()) ?? new Float32Array(leaf.size)),
  );
  const scale = absoluteDot((await output.data()) as Float32Array, weights);

  let worst = 0;
  for (let direction = 0; direction < directions; direction++) {
    const along = inputs.map((input) => Float64Array.from({ length: input.size }, random));
    const above = (await evaluate(step, along, weights)) as number;
    const below = (await evaluate(-step, along, weights)) as number;
    const numeric = (above - below) / (2 * step);
    const exact = analytic.reduce((total, gradient, i) => total + dot(gradient, along[i] as Float64Array), 0);
    const size = analytic.reduce((total, gradient, i) => total + absoluteDot(gradient, along[i] as Float64Array), 0);
    // Rounding of the two function values, divided by the step, is no fault of the gradient.
    const noise = (8 * 2 ** -24 * scale) / step;
    const error = Math.max(0, Math.abs(numeric - exact) - noise) / Math.max(size, 1e-6);
    worst = Math.max(worst, error);
    if (!(error <= tolerance)) {
      const shapes = inputs.map((input) => formatShape(input.shape)).join(", ");
      throw new GradError(
        `gradcheck: direction ${direction} of ${directions} at ${shapes}: backward gives ${exact}, central difference ${numeric}, relative error ${error.toExponential(1)} > ${tolerance}`,
      );
    }
  }
  return worst;
}
