/** Our ops on images against PyTorch: fixtures written by scripts/make-torch-image-fixtures.py. */
import { describe, test } from "vitest";
import * as ops from "../src/index.js";
import { backward, type Tensor, tensor } from "../src/index.js";
import { testDevice } from "./device.js";
import { decode, type Encoded, judge, load, type Results } from "./torch.js";

const device = await testDevice();
const functions = { ...ops };

interface Case {
  name: string;
  op: string;
  options: Record<string, unknown>;
  inputs: Record<string, Encoded>;
  gradOutput: Encoded;
  results: Results;
}

/** Ops that take a weight and a bias, each of which may be `null`. */
const layers = /^conv|^(?:group|layer|instance)Norm$/;

const leaf = (encoded: Encoded, requiresGrad: boolean) =>
  tensor(device, decode(encoded), encoded.shape, { requiresGrad });

describe("torch: images", () => {
  test.each(load<{ cases: Case[] }>("images").cases)("$name", async ({ op, options, inputs, gradOutput, results }) => {
    const given = new Map(Object.entries(inputs).map(([name, encoded]) => [name, leaf(encoded, true)]));
    const names = layers.test(op) ? ["x", "weight", "bias"] : ["x"];
    const call = functions[op as keyof typeof functions] as (...args: unknown[]) => Tensor;
    const output = call(...names.map((name) => given.get(name) ?? null), options);
    await judge(results, "output", output, op);
    const gradients = backward(output, { gradOutput: leaf(gradOutput, false) });
    for (const [name, input] of given) await judge(results, `gradient of ${name}`, gradients.of(input), op);
  });
});
