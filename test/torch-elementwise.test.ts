/** The elementwise functions against PyTorch: fixtures written by scripts/make-torch-elementwise-fixtures.py. */
import { describe, expect, test } from "vitest";
import * as vp from "../src/index.js";
import { testDevice } from "./device.js";
import { decode, type Encoded, judge, load, type Results } from "./torch.js";

const device = await testDevice();
const functions = vp as unknown as Record<string, (...args: unknown[]) => vp.Tensor>;

const leaf = (encoded: Encoded) => vp.tensor(device, decode(encoded), encoded.shape, { requiresGrad: true });

interface Case {
  name: string;
  op: string;
  options: Record<string, unknown>;
  inputs: Record<string, Encoded>;
  gradOutput: Encoded;
  results: Results;
}

describe("torch: functions", () => {
  test.each(load<{ cases: Case[] }>("functions").cases)(
    "$name",
    async ({ op, options, inputs, gradOutput, results }) => {
      using _scope = device.scope();
      const given = Object.entries(inputs).map(([name, value]) => [name, leaf(value)] as const);
      const output = functions[op]!(...given.map(([, tensor]) => tensor), options);
      await judge(results, "output", output, op);
      const gradients = vp.backward(output, { gradOutput: leaf(gradOutput).detach() });
      for (const [name, input] of given)
        await judge(results, `gradient of ${name}`, gradients.get(input) ?? vp.zeros(device, input.shape), op);
    },
  );
});

interface SpecialCase {
  op: string;
  options: Record<string, unknown>;
  inputs: string[];
  /** The output, and the gradients where there are any. */
  results: string[];
  /** How far PyTorch's float32 is off from them. */
  errors: string[];
}

const numbers = (text: string) =>
  text.split(" ").map((word) => (word.endsWith("inf") ? Number(word.replace("inf", "Infinity")) : Number(word)));

/** An error is excused up to 4 times PyTorch's own in float32, or 1e-6 of the element; a subnormal may be flushed. */
function expectSame(
  actual: ArrayLike<number>,
  expected: readonly number[],
  errors: readonly number[],
  at: (i: number) => string,
): void {
  const wrong: string[] = [];
  expected.forEach((e, i) => {
    const a = actual[i]!;
    const same = Number.isNaN(e)
      ? Number.isNaN(a)
      : Number.isFinite(e)
        ? Math.abs(a - e) <= Math.max(1e-6 * Math.abs(e), 4 * errors[i]!, 2 ** -126)
        : a === e;
    if (!same) wrong.push(`${at(i)}: ${a}, PyTorch ${e}`);
  });
  expect(wrong).toEqual([]);
}

describe("torch: NaN, infinities, zeros and kinks", () => {
  const { cases } = load<{ cases: SpecialCase[] }>("special-values");
  test.each(cases)("$op $options", async ({ op, options, inputs, results, errors }) => {
    using _scope = device.scope();
    const values = inputs.map(numbers);
    const leaves = values.map((list) => vp.tensor(device, list, [list.length], { requiresGrad: true }));
    const result = Object.keys(options).length > 0 ? functions[op]!(...leaves, options) : functions[op]!(...leaves);
    const point = (i: number) => `${op}(${values.map((list) => list[i])})`;
    expectSame(await result.data(), numbers(results[0]!), numbers(errors[0]!), point);
    if (results.length === 1) return;
    const found = vp.backward(result, { gradOutput: vp.ones(device, result.shape) });
    for (const [k, input] of leaves.entries()) {
      const gradient = found.get(input) ?? vp.zeros(device, input.shape);
      const of = (i: number) => `gradient ${k} of ${point(i)}`;
      expectSame(await gradient.data(), numbers(results[k + 1]!), numbers(errors[k + 1]!), of);
    }
  });
});
