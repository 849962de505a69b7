/** What has nothing to round, and formulas, against PyTorch: fixtures written by scripts/make-torch-exact-fixtures.py. */
import { describe, test } from "vitest";
import * as vp from "../src/index.js";
import { testDevice } from "./device.js";
import { decode, type Encoded, judge, load, type Results } from "./torch.js";

const device = await testDevice();

interface Case {
  name: string;
  op: string;
  options: Record<string, unknown> | vp.DType;
  inputs: Record<string, Encoded>;
  dtypes?: Record<string, vp.DType>;
  /** Which of several results. */
  part?: number;
  gradOutput?: Encoded;
  results: Results;
}

const functions = vp as unknown as Record<string, (...args: unknown[]) => vp.Tensor | vp.Tensor[]>;

describe("torch: exact", () => {
  test.each(load<{ cases: Case[] }>("exact").cases)("$name", async ({ op, options, inputs, dtypes = {}, ...rest }) => {
    using _scope = device.scope();
    const { gradOutput, results, part } = rest;
    const given = Object.entries(inputs).map(([name, value]) => {
      const dtype = dtypes[name] ?? "f32";
      return [name, vp.tensor(device, decode(value), value.shape, { dtype, requiresGrad: dtype === "f32" })] as const;
    });
    const tensors = given.map(([, input]) => input);
    const settings = Object.keys(options).length > 0 ? [options] : [];
    const result = functions[op]!(...tensors, ...settings);
    const output = Array.isArray(result) ? result[part ?? 0]! : result;
    await judge(results, "output", output, op);
    if (!gradOutput) return;
    const gradients = vp.backward(output, { gradOutput: vp.tensor(device, decode(gradOutput), gradOutput.shape) });
    for (const [name, input] of given)
      if (input.requiresGrad) await judge(results, `gradient of ${name}`, gradients.of(input), op);
  });
});
