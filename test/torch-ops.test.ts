/** Reductions, indexing, shapes and products against PyTorch: fixtures written by scripts/make-torch-op-fixtures.py. */
import { describe, test } from "vitest";
import * as vp from "../src/index.js";
import { testDevice } from "./device.js";
import { decode, type Encoded, judge, load, type Results } from "./torch.js";

const device = await testDevice();

interface Case {
  name: string;
  op: string;
  options: Record<string, unknown>;
  inputs: Record<string, Encoded>;
  /** Whole numbers, after the first input. */
  indices?: { shape: number[]; values: number[]; dtype?: "bool" };
  /** The inputs are one list. */
  list?: boolean;
  gradOutput: Encoded;
  results: Results;
}

type Result = vp.Tensor | { values: vp.Tensor };
const functions = vp as unknown as Record<string, (...args: unknown[]) => Result>;
const leaf = (encoded: Encoded, requiresGrad: boolean) =>
  vp.tensor(device, decode(encoded), encoded.shape, { requiresGrad });

describe("torch: ops", () => {
  test.each(load<{ cases: Case[] }>("ops").cases)("$name", async ({ op, options, inputs, indices, list, ...rest }) => {
    using _scope = device.scope();
    const given = Object.entries(inputs).map(([name, value]) => [name, leaf(value, true)] as const);
    const [first, ...others] = given.map(([, input]) => input);
    const whole = indices ? [vp.tensor(device, indices.values, indices.shape, { dtype: indices.dtype ?? "u32" })] : [];
    const settings = Object.keys(options).length > 0 ? [options] : [];
    const result = list
      ? functions[op]!([first, ...others], ...settings)
      : functions[op]!(first, ...whole, ...others, ...settings);
    const output = result instanceof vp.Tensor ? result : result.values;
    await judge(rest.results, "output", output, op);
    const gradients = vp.backward(output, { gradOutput: leaf(rest.gradOutput, false) });
    for (const [name, input] of given) await judge(rest.results, `gradient of ${name}`, gradients.of(input), op);
  });
});
