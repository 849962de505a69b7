import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { mul } from "../../src/tensor/ops/elementwise.js";
import { type PadOptions, pad } from "../../src/tensor/ops/pad.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { padSources } from "../reference/pad.js";

const device = await testDevice();
/** Forward moves elements; the gradient adds a few dozen of them at most. */
const tolerance = 2e-6;

const modes = ["constant", "replicate", "reflect", "symmetric", "circular"] as const;
const cases: { shape: number[]; padding: [number, number][]; wide?: boolean; edges?: boolean }[] = [
  { shape: [], padding: [] },
  { shape: [7], padding: [[2, 3]] },
  { shape: [7], padding: [[6, 6]] },
  { shape: [5], padding: [[5, 5]], edges: true },
  { shape: [1], padding: [[1, 1]], edges: true },
  { shape: [3], padding: [[11, 67]], wide: true },
  {
    shape: [1, 2],
    padding: [
      [3, 1],
      [0, 5],
    ],
    wide: true,
  },
  {
    shape: [2, 5, 7, 3],
    padding: [
      [0, 0],
      [2, 1],
      [3, 4],
      [0, 0],
    ],
  },
  {
    shape: [3, 2, 3, 5],
    padding: [
      [1, 2],
      [1, 0],
      [0, 2],
      [4, 3],
    ],
  },
  {
    shape: [2, 5],
    padding: [
      [0, 0],
      [0, 0],
    ],
  },
  {
    shape: [0, 5],
    padding: [
      [0, 0],
      [1, 2],
    ],
  },
];
const rows = modes.flatMap((mode) =>
  cases
    .filter(({ wide, edges }) => !(wide && !["constant", "replicate"].includes(mode)) && !(edges && mode === "reflect"))
    .map((row) => ({ mode, ...row })),
);

describe("pad", () => {
  test.each(rows)("forward: $mode, $shape by $padding", async ({ mode, shape, padding }) => {
    using _scope = device.scope();
    const x = randomTensor(device, shape, 5);
    const values = await x.data();
    const y = pad(x, { padding, mode, value: -2.5 });
    const expected = padSources(mode, shape, padding).map((from) => (from < 0 ? -2.5 : values[from]!));
    expectClose(await y.data(), expected, 0);
    expect(y.shape).toEqual(shape.map((size, i) => padding[i]![0] + size + padding[i]![1]));
  });
  test.each(rows)("gradient: $mode, $shape by $padding", async ({ mode, shape, padding }) => {
    using _scope = device.scope();
    const x = randomTensor(device, shape, 5, [-1, 1], { requiresGrad: true });
    const y = pad(x, { padding, mode });
    const gradOutput = randomTensor(device, y.shape, 6);
    const incoming = await gradOutput.data();
    const expected = new Float64Array(x.size);
    padSources(mode, shape, padding).forEach((from, i) => {
      if (from >= 0) expected[from]! += incoming[i]!;
    });
    expectClose(await backward(y, { gradOutput }).of(x).data(), expected, tolerance);
  });
  test.each(modes)("gradient: against differences, %s", async (mode) => {
    const padding = [
      [0, 0],
      [1, 2],
      [2, 1],
    ] as const;
    await gradcheck((x) => pad(x!, { padding, mode, value: 3 }), [randomTensor(device, [2, 3, 4], 1)]);
  });
  test.each(modes)("gradient of the gradient: %s", async (mode) => {
    using _scope = device.scope();
    const shape = [3, 4];
    const padding: [number, number][] = [
      [2, 1],
      [0, 3],
    ];
    const x = randomTensor(device, shape, 1, [-1, 1], { requiresGrad: true });
    const y = pad(x, { padding, mode });
    const first = backward(sum(mul(mul(y, y), y)), { createGraph: true }).of(x);
    const second = backward(sum(first)).of(x);
    const counts = new Float64Array(x.size);
    for (const from of padSources(mode, shape, padding)) if (from >= 0) counts[from]!++;
    expectClose(
      await second.data(),
      Array.from(await x.data(), (v, i) => 6 * v * counts[i]!),
      tolerance,
    );
  });
  test.each<[string, PadOptions]>([
    [
      "pad: padding must be a list of [before, after], one for each axis, got undefined\n  x [3, 5]",
      {} as unknown as PadOptions,
    ],
    [
      "pad: padding must be a list of [before, after], one for each axis, got [1, 2]\n  x [3, 5]",
      { padding: [1, 2] } as unknown as PadOptions,
    ],
    [
      'pad: mode must be "constant" or "replicate" or "reflect" or "symmetric" or "circular", got "mirror"',
      { padding: [], mode: "mirror" } as unknown as PadOptions,
    ],
    [
      "symmetric needs a padding of at most the size 3 of axis 0, got 4",
      {
        padding: [
          [4, 0],
          [0, 0],
        ],
        mode: "symmetric",
      },
    ],
    [
      "circular needs a padding of at most the size 5 of axis 1, got 6",
      {
        padding: [
          [0, 0],
          [0, 6],
        ],
        mode: "circular",
      },
    ],
    ["pad: padding must have a pair for each of the 2 axes, got [[1, 1]]\n  x [3, 5]", { padding: [[1, 1]] }],
    [
      "pad: padding must be whole numbers >= 0 (slice takes elements away), got [[0, 0], [-1, 1]]\n  x [3, 5]",
      {
        padding: [
          [0, 0],
          [-1, 1],
        ],
      },
    ],
    [
      "pad: reflect needs a padding smaller than the size 3 of axis 0, got 3\n  x [3, 5]",
      {
        padding: [
          [0, 3],
          [0, 0],
        ],
        mode: "reflect",
      },
    ],
  ])("rejects: %s", (text, options) => {
    expect(() => pad(tensor(device, new Float32Array(15), [3, 5]), options)).toThrow(text);
  });
  test("NumPy's symmetric and wrap, PyTorch's circular", async () => {
    const x = tensor(device, [1, 2, 3]);
    const padded = (mode: PadOptions["mode"]) => pad(x, { padding: [[2, 3]], ...(mode && { mode }) }).data();
    expect([...(await padded("symmetric"))]).toEqual([2, 1, 1, 2, 3, 3, 2, 1]);
    expect([...(await padded("circular"))]).toEqual([2, 3, 1, 2, 3, 1, 2, 3]);
  });
  test.each(modes)("every element type: %s", async (mode) => {
    const options = { padding: [[1, 2]] as const, mode };
    const numbers = [2 ** 31 - 1, -3, 0, 7];
    const at = padSources(mode, [4], options.padding);
    const expected = (list: readonly number[], fill: number) => at.map((from) => (from < 0 ? fill : list[from]!));
    const ints = pad(tensor(device, numbers, [4], { dtype: "i32" }), { ...options, value: -9 });
    expect([ints.dtype, ...(await ints.data())]).toEqual(["i32", ...expected(numbers, -9)]);
    const big = numbers.map((value) => value >>> 0);
    const unsigned = pad(tensor(device, big, [4], { dtype: "u32" }), { ...options, value: 4294967295 });
    expect([unsigned.dtype, ...(await unsigned.data())]).toEqual(["u32", ...expected(big, 4294967295)]);
    const masks = pad(tensor(device, [true, false, false, true]), { ...options, value: 1 });
    expect([masks.dtype, ...(await masks.data())]).toEqual(["bool", ...expected([1, 0, 0, 1], 1)]);
  });
  test("rejects a value that the element type cannot hold", () => {
    expect(() => pad(tensor(device, Int32Array.of(1)), { padding: [[1, 0]], value: 0.5 })).toThrow(
      "pad: i32 holds whole numbers from -2147483648 to 2147483647, got 0.5",
    );
  });
  test("rejects replicating nothing", () => {
    expect(() => pad(tensor(device, [], [0]), { padding: [[1, 0]], mode: "replicate" })).toThrow(
      "pad: replicate needs an element to repeat, got size 0 on axis 0\n  x [0]",
    );
  });
});
