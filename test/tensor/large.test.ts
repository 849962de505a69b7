/** Tensors over one binding: the same values as in one piece, in windows. The limit is pretended, so that small tensors exceed it. */
import { describe, expect, test } from "vitest";
import { add, backward, max, mean, mul, relu, sum, sumSquares, type Tensor } from "../../src/index.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { withBindingLimit } from "../gemm.js";

const device = await testDevice();
const limit = 16_384;

const x = randomTensor(device, [300, 7, 5], 1);
const long = randomTensor(device, [9001], 2);

const cases: { name: string; f: () => Tensor }[] = [
  { name: "relu", f: () => relu(x) },
  { name: "add of two large ones", f: () => add(x, x) },
  { name: "mul by one value a column", f: () => mul(x, randomTensor(device, [5], 3)) },
  { name: "mul by one value a row", f: () => mul(x, randomTensor(device, [300, 1, 1], 4)) },
  { name: "mul by a middle axis", f: () => mul(x, randomTensor(device, [300, 7, 1], 5)) },
  { name: "sum of all", f: () => sum(x) },
  { name: "sum over the first axis", f: () => sum(x, { axes: 0 }) },
  { name: "sum over the last axis", f: () => sum(x, { axes: 2 }) },
  { name: "mean over the middle axis", f: () => mean(x, { axes: 1 }) },
  { name: "max over two axes", f: () => max(x, { axes: [0, 2] }) },
  { name: "sum of squares of a long axis", f: () => sumSquares(long) },
];

describe("over one binding", () => {
  test.each(cases)("$name", async ({ f }) => {
    const expected = await f().data();
    await withBindingLimit(device, limit, async () => expectClose(await f().data(), expected, 1e-6));
  });
  test("gradients", async () => {
    const run = async () => {
      const leaf = randomTensor(device, [300, 7, 5], 1, [-1, 1], { requiresGrad: true });
      return backward(sum(sumSquares(leaf, { axes: 2 })))
        .of(leaf)
        .data();
    };
    const expected = await run();
    await withBindingLimit(device, limit, async () => expectClose(await run(), expected, 1e-6));
  });
  test("what cannot be windowed says how many bytes it needs and how many are allowed", async () => {
    const wide = randomTensor(device, [2, 9001], 6);
    await withBindingLimit(device, limit, () => {
      expect(() => mul(wide, randomTensor(device, [9001], 7))).toThrow(
        "elementwise: 64 rows of a broadcast result need 2304256 bytes, but this adapter allows one binding 16384",
      );
    });
  });
});
