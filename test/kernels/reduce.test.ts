/** Reductions at the sizes where their passes change: how many passes, and their results. */
import { describe, expect, test } from "vitest";
import { type Reduction, reduce } from "../../src/kernels/reduce.js";
import { max, min } from "../../src/tensor/ops/max.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { empty, tensor } from "../../src/tensor/tensor.js";
import { testDevice, uniform } from "../device.js";

const device = await testDevice();

interface Case {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  readonly passes: number;
}
const cases: Case[] = [
  { outer: 1, length: 1, inner: 1, passes: 1 },
  { outer: 3, length: 64, inner: 5, passes: 1 },
  { outer: 1, length: 128, inner: 521, passes: 1 },
  // Threads share an output element: 16, 32 and 64 of them.
  { outer: 1, length: 129, inner: 1, passes: 1 },
  { outer: 13, length: 256, inner: 1, passes: 1 },
  { outer: 5, length: 263, inner: 3, passes: 1 },
  { outer: 1, length: 512, inner: 7, passes: 1 },
  { outer: 2, length: 1009, inner: 1, passes: 1 },
  { outer: 16, length: 4096, inner: 1, passes: 1 },
  // A pass for pieces of 64 to 256, and one in which threads share.
  { outer: 1, length: 4097, inner: 1, passes: 2 },
  { outer: 2, length: 300_007, inner: 1, passes: 2 },
  { outer: 1, length: 1_048_576, inner: 1, passes: 2 },
  { outer: 1, length: 1_048_577, inner: 1, passes: 3 },
  // Many outputs: one thread an element.
  { outer: 1, length: 129, inner: 17, passes: 2 },
  { outer: 2, length: 5003, inner: 31, passes: 2 },
  { outer: 17, length: 32_768, inner: 1, passes: 2 },
  { outer: 17, length: 32_769, inner: 1, passes: 3 },
];

/** The values of `[outer, length, inner]`, and what each output element combines. */
function rowsOf({ outer, length, inner }: Case, values: ArrayLike<number>) {
  return Array.from({ length: outer * inner }, (_, index) => {
    const [o, i] = [Math.floor(index / inner), index % inner];
    return Array.from({ length }, (_, r) => values[(o * length + r) * inner + i] as number);
  });
}

function run(kind: Reduction, size: Case, values: ArrayLike<number>, scale?: number) {
  const output = empty(device, [size.outer * size.inner]);
  const before = device.commandCounts().dispatches;
  reduce(device, kind, tensor(device, Float32Array.from(values)).storage, output.storage, size, scale ? { scale } : {});
  return { output, dispatches: device.commandCounts().dispatches - before };
}

test.each(cases)("[$outer, $length, $inner] takes $passes", async (size) => {
  const values = uniform(size.outer * size.length * size.inner, size.length);
  const rows = rowsOf(size, values);
  const { output, dispatches } = run("sum", size, values);
  expect(dispatches).toBe(size.passes);
  const sums = await output.data();
  // Relative to the sum of magnitudes: what rounding is relative to.
  const magnitudes = rows.map((row) => row.reduce((total, value) => total + Math.abs(value), 0));
  const wanted = rows.map((row) => row.reduce((total, value) => total + value, 0));
  const worst = Math.max(
    ...wanted.map((value, i) => Math.abs((sums[i] as number) - value) / (magnitudes[i] as number)),
  );
  expect(worst).toBeLessThan(3e-7);
  const extremes = rows.map((row) => row.reduce((a, b) => Math.max(a, b)));
  expect([...(await run("max", size, values).output.data())]).toEqual(extremes);
  expect(await run("sum", size, values).output.data()).toEqual(sums);
});

describe("of many threads an element", () => {
  const size = { outer: 2, length: 1000, inner: 1, passes: 1 };
  const values = uniform(2000, 3, -2, 1);
  test("squares and magnitudes are taken once, the factor is the last step", async () => {
    const rows = rowsOf(size, values);
    for (const [kind, element] of [
      ["sumSquares", (v: number) => v * v],
      ["sumAbs", Math.abs],
    ] as const) {
      const wanted = rows.map((row) => row.reduce((total, value) => total + element(value), 0) * 0.25);
      const got = [...(await run(kind, size, values, 0.25).output.data())];
      for (const [i, value] of got.entries()) expect(Math.abs(value / (wanted[i] as number) - 1)).toBeLessThan(3e-7);
    }
  });
  test.each([0, 1, 63, 500, 999])("NaN at %i is found by sums and extremes, in its row only", async (at) => {
    const broken = Float32Array.from(values);
    broken[1000 + at] = Number.NaN;
    const x = tensor(device, broken, [2, 1000]);
    for (const op of [sum, max, min]) {
      const [first, second] = await op(x, { axes: 1 }).data();
      expect([Number.isFinite(first), second]).toEqual([true, Number.NaN]);
    }
  });
  test("integers wrap around", async () => {
    const x = tensor(device, new Array(1000).fill(2 ** 30), [1000], { dtype: "i32" });
    expect(await sum(x).item()).toBe(Number(BigInt.asIntN(32, 1000n * 2n ** 30n)));
  });
});
