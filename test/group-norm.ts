/** What the tests of group, layer and instance normalisation share: the comparison with the reference, and second derivatives. */
import { expect } from "vitest";
import { backward } from "../src/tensor/backward.js";
import { gradcheck } from "../src/tensor/gradcheck.js";
import { mul, square } from "../src/tensor/ops/elementwise.js";
import { sum } from "../src/tensor/ops/sum.js";
import type { Shape } from "../src/tensor/shape.js";
import { type Tensor, tensor } from "../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice, uniform } from "./device.js";
import { recordingAlways } from "./gemm.js";
import { type GroupNormSizes, groupNormGradReference, groupNormReference } from "./reference/group-norm.js";

const device = await testDevice();

/** A few f32 roundings an output. */
export const tolerance = 3e-6;

/** Of sums over images and pixels, relative to the sum of the magnitudes. */
const sumTolerance = 3e-7;

/** A normalisation as a function of its tensors. */
export type Norm = (x: Tensor, weight: Tensor | null, bias: Tensor | null) => Tensor;

/** Inputs of another mean and spread in every channel. */
export function normInputs(shape: Shape, affine: Shape): { x: Tensor; weight: Tensor; bias: Tensor } {
  const C = shape.at(-1)!;
  const size = shape.reduce((a, b) => a * b, 1);
  const values = uniform(size, 7).map((v, i) => v * (1 + (i % C)) + (i % 3) - 1.5);
  return {
    x: tensor(device, values, shape, { requiresGrad: true }),
    weight: randomTensor(device, affine, 1, [0.5, 2], { requiresGrad: true }),
    bias: randomTensor(device, affine, 2, [-1, 1], { requiresGrad: true }),
  };
}

/** Values and gradients against the reference, with and without weight and bias. */
export async function checkNorm(norm: Norm, shape: Shape, affine: Shape, sizes: GroupNormSizes, eps: number) {
  const { x, weight, bias } = normInputs(shape, affine);
  const [a, b, c] = await Promise.all([x.data(), weight.data(), bias.data()]);
  const gradOutput = randomTensor(device, shape, 4, [-1, 2]);
  const g = await gradOutput.data();
  for (const given of [true, false]) {
    const y = given ? norm(x, weight, bias) : norm(x, null, null);
    expect(y.shape).toEqual(shape);
    expectClose(await y.data(), groupNormReference(a, given ? b : null, given ? c : null, sizes, eps), tolerance);
    const gradients = backward(y, { gradOutput });
    const expected = groupNormGradReference(g, a, given ? b : null, sizes, eps);
    for (const [name, input] of Object.entries(given ? { x, weight, bias } : { x })) {
      // What is rounded is of the size of the terms; the gradient is what their cancellation leaves.
      const { scale } = expected;
      const actual = [...(await gradients.of(input).data()), scale[name as "x"]];
      const allowed = name === "x" ? tolerance : sumTolerance;
      expectClose(actual, [...expected[name as "x"], scale[name as "x"]], allowed, `gradient of ${name}`);
    }
  }
}

/** First and second derivatives against differences. */
export async function checkNormDerivatives(norm: Norm, shape: Shape, affine: Shape): Promise<void> {
  const { x, weight, bias } = normInputs(shape, affine);
  await gradcheck((a, b, c) => norm(a!, b!, c!), [x, weight, bias]);
  const direction = randomTensor(device, shape, 5);
  // What is differentiated is the composed gradient; the values that differences are taken of are too.
  const slope = recordingAlways(device, (a, b, c) => {
    const y = square(norm(a, b, c));
    return sum(mul(backward(sum(y), { wrt: [a], createGraph: true }).of(a), direction));
  });
  await gradcheck(slope, [x, weight, bias]);
}

/** The gradient of x while gradients are recorded, when it is composed from x alone, is the one of the saved statistics. */
export async function checkSameGradient(norm: Norm, shape: Shape, affine: Shape): Promise<void> {
  const { x, weight, bias } = normInputs(shape, affine);
  const gradOutput = randomTensor(device, shape, 6);
  const once = backward(norm(x, weight, bias), { gradOutput });
  const recorded = backward(norm(x, weight, bias), { gradOutput, createGraph: true });
  for (const input of [x, weight, bias])
    expectClose(await recorded.of(input).data(), await once.of(input).data(), tolerance);
}

/** Values with a mean far from 0 are as exact as any: what is rounded off the mean is not lost. */
export async function checkLargeMean(norm: Norm, shape: Shape, sizes: GroupNormSizes, eps: number): Promise<void> {
  const size = shape.reduce((a, b) => a * b, 1);
  const x = tensor(
    device,
    uniform(size, 3, -Math.sqrt(3), Math.sqrt(3)).map((v) => v + 1000),
    shape,
  );
  const expected = groupNormReference(await x.data(), null, null, sizes, eps);
  expectClose(await norm(x, null, null).data(), expected, tolerance);
}
