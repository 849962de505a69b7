/** Second derivatives of any function of tensors: its gradient, recorded, against differences. */
import { backward } from "../src/tensor/backward.js";
import { gradcheck } from "../src/tensor/gradcheck.js";
import { add, mul, square } from "../src/tensor/ops/elementwise.js";
import { sum } from "../src/tensor/ops/sum.js";
import { constant, type Tensor } from "../src/tensor/tensor.js";
import { randomTensor, testDevice } from "./device.js";
import { recordingAlways } from "./gemm.js";

const device = await testDevice();

/** Differentiates a random combination of the gradients of `sum(f^2)` with respect to all inputs, of which there are at most three. */
export async function checkSecondGradient(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
): Promise<void> {
  const directions = inputs.map((input, i) => randomTensor(device, input.shape, 50 + i));
  const slope = (...all: Tensor[]): Tensor => {
    const own = all.slice(0, inputs.length);
    const gradients = backward(sum(square(f(...own))), { wrt: own, createGraph: true });
    return own.reduce(
      (total, input, i) => add(total, sum(mul(gradients.of(input), directions[i]!))),
      constant(device, 0),
    );
  };
  await gradcheck(
    recordingAlways(device, (...all) => slope(...all.filter((input) => input !== undefined))),
    inputs,
  );
}
