import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { add, mul } from "../../src/tensor/ops/elementwise.js";
import { type MatmulOptions, matmul } from "../../src/tensor/ops/matmul.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { gemmVersions, recordingAlways, withBindingLimit, withVersion } from "../gemm.js";
import { batchReference, matmulReference } from "../reference/matmul.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
/** Rounding grows like sqrt(K) eps_f32 for random terms; the longest sums here have 8,200. */
const tolerance = 5e-6;

const forms: MatmulOptions[] = [{}, { transposeB: true }, { transposeA: true }, { transposeA: true, transposeB: true }];
const sizes = [
  { M: 1, N: 1, K: 1 },
  { M: 2, N: 5, K: 3 },
  { M: 67, N: 71, K: 37 },
  { M: 131, N: 3, K: 18 },
  { M: 1, N: 67, K: 64 },
  { M: 16, N: 33, K: 1031 },
  { M: 3, N: 5, K: 8209 },
  { M: 64, N: 64, K: 64 },
  // More tiles than one row of workgroups takes.
  { M: 300, N: 200, K: 5 },
];

const operands = (
  { M, N, K }: { M: number; N: number; K: number },
  { transposeA, transposeB }: { transposeA?: boolean; transposeB?: boolean },
) =>
  [
    randomTensor(device, transposeA ? [K, M] : [M, K], 1),
    randomTensor(device, transposeB ? [N, K] : [K, N], 2),
  ] as const;

describe("matmul", () => {
  describe.each(gemmVersions(device, ["lane", "tile"]))("%s version", (version) => {
    test.each(forms)("forward: %o", async (form) => {
      await withVersion(device, version, async () => {
        for (const size of sizes) {
          const [a, b] = operands(size, form);
          const y = matmul(a, b, form);
          expect(y.shape).toEqual([size.M, size.N]);
          const expected = matmulReference(await a.data(), await b.data(), size, form);
          expectClose(await y.data(), expected, tolerance, `matmul ${JSON.stringify(size)}`);
        }
      });
    });
  });
  test.each(forms)("gradient: %o", async (form) => {
    const [a, b] = operands({ M: 5, N: 7, K: 3 }, form);
    await gradcheck((x, y) => matmul(x, y, form), [a, b]);
  });
  test.each(forms)("second gradient: %o", async (form) => {
    const [a, b] = operands({ M: 3, N: 2, K: 4 }, form);
    await gradcheck(
      recordingAlways(device, (x, y) => {
        const z = matmul(x, y, form);
        const first = backward(sum(mul(z, z)), { wrt: [x, y], createGraph: true });
        return add(sum(mul(first.of(x), x)), sum(mul(first.of(y), first.of(y))));
      }),
      [a, b],
    );
  });
  test.each([
    { M: 0, N: 3, K: 2 },
    { M: 2, N: 0, K: 2 },
    { M: 2, N: 3, K: 0 },
  ])("forward: no elements, $M x $K x $N", async (size) => {
    const [a, b] = operands(size, {});
    expect([...(await matmul(a, b).data())]).toEqual(new Array(size.M * size.N).fill(0));
  });
  test("an infinite operand stays infinite where K is no multiple of 4", async () => {
    const y = matmul(tensor(device, [1, 1, 1], [1, 3]), tensor(device, [1, 2, Number.POSITIVE_INFINITY], [3, 1]));
    expect(await y.item()).toBe(Number.POSITIVE_INFINITY);
  });
  test("same bits on every run", async () => {
    const [a, b] = operands({ M: 5, N: 7, K: 9001 }, {});
    expect(await matmul(a, b).data()).toEqual(await matmul(a, b).data());
  });
  describe("operands and results larger than one binding", () => {
    // 64 KiB: a, b and the result of the first size all exceed it; the second has only a long sum, the third only long rows.
    const large = [
      { M: 201, N: 151, K: 173 },
      { M: 5, N: 33, K: 3001 },
      { M: 3, N: 250, K: 70 },
    ];
    test.each(forms)("in windows: %o", async (form) => {
      for (const size of large) {
        const [a, b] = operands(size, form);
        const y = await withBindingLimit(device, 65536, () => matmul(a, b, form));
        const expected = matmulReference(await a.data(), await b.data(), size, form);
        expectClose(await y.data(), expected, tolerance, `matmul ${JSON.stringify(size)}`);
      }
    });
  });
  test("rejects operands that do not fit", () => {
    const a = randomTensor(device, [2, 3], 1);
    expect(() => matmul(a, randomTensor(device, [4, 5], 1))).toThrow(
      "matmul: columns of a must equal rows of b, got 3 and 4\n  a [M, K] [2, 3]\n  b [K, N] [4, 5]",
    );
    expect(() => matmul(a, randomTensor(device, [4, 5], 1), { transposeA: true, transposeB: true })).toThrow(
      "matmul: rows of a must equal columns of b, got 2 and 5",
    );
    expect(() => matmul(randomTensor(device, [3], 1), a)).toThrow(
      "matmul: elements of a must equal rows of b, got 3 and 2\n  a [K]    [3]\n  b [K, N] [2, 3]".replace(
        "[K]    ",
        "[K] ",
      ),
    );
    expect(() => matmul(a, tensor(device, 1))).toThrow("matmul: b must have at least 1 axis, got 0");
    expect(() => matmul(randomTensor(device, [2, 2, 3], 1), randomTensor(device, [5, 3, 4], 1))).toThrow(
      "matmul: shapes do not broadcast: sizes 2 and 5 meet at axis -1",
    );
  });
  const batches: { a: number[]; b: number[]; result: number[] }[] = [
    { a: [3, 2, 5], b: [3, 5, 4], result: [3, 2, 4] },
    { a: [3, 2, 5], b: [5, 4], result: [3, 2, 4] },
    { a: [2, 5], b: [3, 5, 4], result: [3, 2, 4] },
    { a: [2, 1, 3, 5], b: [4, 5, 2], result: [2, 4, 3, 2] },
    { a: [1, 2, 1, 1, 2, 1, 3, 5], b: [2, 1, 1, 3, 1, 2, 5, 2], result: [2, 2, 1, 3, 2, 2, 3, 2] },
    { a: [5], b: [5], result: [] },
    { a: [5], b: [5, 3], result: [3] },
    { a: [3, 5], b: [5], result: [3] },
    { a: [5], b: [2, 5, 3], result: [2, 3] },
    { a: [2, 3, 5], b: [5], result: [2, 3] },
    { a: [2, 67, 33], b: [2, 33, 71], result: [2, 67, 71] },
    { a: [0, 2, 5], b: [5, 4], result: [0, 2, 4] },
    { a: [2, 3, 0], b: [2, 0, 4], result: [2, 3, 4] },
    { a: [2, 2, 9001], b: [2, 9001, 1], result: [2, 2, 1] },
  ];
  describe.each(forms)("batches, %o", (form) => {
    // A transposed operand is stored with its last two axes exchanged; a vector has none.
    const stored = (shape: number[], turned = false) =>
      turned && shape.length > 1 ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;
    test.each(batches)("forward: $a x $b", async ({ a, b, result }) => {
      using _scope = device.scope();
      const x = randomTensor(device, stored(a, form.transposeA), 1);
      const y = randomTensor(device, stored(b, form.transposeB), 2);
      const product = matmul(x, y, { ...form, alpha: 2 });
      expect(product.shape).toEqual(result);
      const expected = batchReference(await x.data(), a, await y.data(), b, form);
      const doubled = Array.from(expected, (v) => 2 * v);
      expectClose(await product.data(), doubled, tolerance);
      await withBindingLimit(device, 256, async () => {
        if (a.length === 3 && b.length === 3 && x.size < 64)
          expectClose(await matmul(x, y, { ...form, alpha: 2 }).data(), doubled, tolerance);
      });
    });
    test.each(batches.filter(({ a, b }) => a.length < 5 && !a.includes(0) && a[1] !== 67 && !b.includes(9001)))(
      "gradients: $a x $b",
      async ({ a, b }) => {
        const inputs = [
          randomTensor(device, stored(a, form.transposeA), 1),
          randomTensor(device, stored(b, form.transposeB), 2),
        ];
        await gradcheck((x, y) => matmul(x!, y!, { ...form, alpha: 0.5 }), inputs);
        await checkSecondGradient((x, y) => matmul(x!, y!, { ...form, alpha: 0.5 }), inputs);
      },
    );
  });
});
