/** The losses against PyTorch: fixtures written by scripts/make-torch-loss-fixtures.py. */
import { describe, test } from "vitest";
import { binaryCrossEntropy, binaryCrossEntropyWithLogits } from "../../src/nn/binary-cross-entropy.js";
import { crossEntropy, nll } from "../../src/nn/cross-entropy.js";
import { huber, klDivergence, l1, mse, smoothL1 } from "../../src/nn/losses.js";
import { cosineEmbedding, cosineSimilarity } from "../../src/nn/similarity.js";
import { backward } from "../../src/tensor/backward.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { testDevice } from "../device.js";
import { decode, type Encoded, judge, load, type Results } from "../torch.js";

const device = await testDevice();

interface Case {
  name: string;
  op: string;
  options: object;
  inputs: Record<string, Encoded>;
  /** Class numbers. */
  indices?: { shape: number[]; values: number[] };
  /** A last argument without gradient. */
  constant?: Encoded;
  /** Options that are tensors. */
  tensors?: Record<string, Encoded>;
  gradOutput: Encoded;
  results: Results;
}

const losses = {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  cosineEmbedding,
  cosineSimilarity,
  crossEntropy,
  huber,
  klDivergence,
  l1,
  mse,
  nll,
  smoothL1,
};
const leaf = (encoded: Encoded, requiresGrad: boolean) =>
  tensor(device, decode(encoded), encoded.shape, { requiresGrad });

describe("torch: losses", () => {
  test.each(load<{ cases: Case[] }>("losses").cases)("$name", async (fixture) => {
    using _scope = device.scope();
    const inputs = Object.entries(fixture.inputs).map(([name, value]) => [name, leaf(value, true)] as const);
    const tensors = Object.entries(fixture.tensors ?? {}).map(([name, value]) => [name, leaf(value, false)]);
    const { indices, constant } = fixture;
    // u32 where no class number is negative.
    const dtype = indices?.values.some((value) => value < 0) ? "i32" : "u32";
    const call = losses[fixture.op as keyof typeof losses] as (...args: unknown[]) => Tensor;
    const output = call(
      ...inputs.map(([, input]) => input),
      ...(indices ? [tensor(device, indices.values, indices.shape, { dtype })] : []),
      ...(constant ? [leaf(constant, false)] : []),
      { ...fixture.options, ...Object.fromEntries(tensors) },
    );
    await judge(fixture.results, "output", output, fixture.op);
    const gradients = backward(output, { gradOutput: leaf(fixture.gradOutput, false) });
    for (const [name, input] of inputs)
      await judge(fixture.results, `gradient of ${name}`, gradients.of(input), fixture.op);
  });
});
