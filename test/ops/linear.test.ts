import { afterAll, describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { linear } from "../../src/tensor/ops/linear.js";
import { empty } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { gemmVersions, withVersion } from "../gemm.js";
import { linearReference } from "../reference/matmul.js";

const device = await testDevice();
/** As matmul's: rounding grows like sqrt(IN) eps_f32 for random terms. */
const tolerance = 5e-6;

const cases = [
  { leading: [7], K: 5, N: 3 },
  { leading: [], K: 5, N: 67 },
  { leading: [2, 17, 3], K: 37, N: 3 },
  { leading: [16], K: 2053, N: 41 },
  { leading: [3], K: 0, N: 2 },
];

describe("linear", () => {
  // Gives back the buffers of the large weight.
  afterAll(() => device.trim());
  describe.each(gemmVersions(device, ["lane", "tile"]))("%s version", (version) => {
    test.each(cases)("forward: x [$leading, $K], $N outputs", async ({ leading, K, N }) => {
      const x = randomTensor(device, [...leading, K], 1);
      const weight = randomTensor(device, [K, N], 2);
      const bias = randomTensor(device, [N], 3);
      const M = leading.reduce((a, b) => a * b, 1);
      for (const shift of [bias, null]) {
        const y = await withVersion(device, version, () => linear(x, weight, shift));
        expect(y.shape).toEqual([...leading, N]);
        const expected = linearReference(await x.data(), await weight.data(), (await shift?.data()) ?? null, {
          M,
          N,
          K,
        });
        expectClose(await y.data(), expected, tolerance, "linear");
      }
    });
  });
  test("gradient", async () => {
    const x = randomTensor(device, [3, 2, 5], 1);
    await gradcheck(
      (...inputs) => linear(inputs[0]!, inputs[1]!, inputs[2]!),
      [x, randomTensor(device, [5, 4], 2), randomTensor(device, [4], 3)],
    );
    await gradcheck((y, w) => linear(y, w, null), [x, randomTensor(device, [5, 4], 2)]);
  });
  test("a weight of 226 MB, over the 128 MiB that one binding may have", { timeout: 120_000 }, async () => {
    using _scope = device.scope();
    const [IN, OUT, N] = [4500, 12544, 2];
    const values = new Float32Array(IN * OUT);
    // Sixteen bits of a Weyl sequence: no period that a wrong window could hide behind.
    for (let i = 0; i < values.length; i++) values[i] = ((Math.imul(i, 0x9e3779b1) >>> 16) - 32768) / 32768;
    const weight = empty(device, [IN, OUT]);
    device.write(weight.storage, values);
    weight.requiresGrad = true;
    const x = randomTensor(device, [N, IN], 1, [-1, 1], { requiresGrad: true });
    const bias = randomTensor(device, [OUT], 2, [-1, 1], { requiresGrad: true });
    const gradOutput = randomTensor(device, [N, OUT], 3);
    const y = linear(x, weight, bias);
    const gradients = backward(y, { gradOutput });

    const [xs, shift, gs] = [await x.data(), await bias.data(), await gradOutput.data()];
    const columns = [0, 1, 6271, 12543];
    const yValues = await y.data();
    const expected = columns.map((o) => {
      let total = shift[o]!;
      for (let i = 0; i < IN; i++) total += xs[IN + i]! * values[i * OUT + o]!;
      return total;
    });
    const actual = columns.map((o) => yValues[OUT + o]!);
    expectClose(actual, expected, tolerance, "output");

    const rows = [0, 63, 64, 2623, 2624, 2687, 2688, 4499];
    const gradX = await gradients.of(x).data();
    const expectedGradX = rows.map((i) => {
      let total = 0;
      for (let o = 0; o < OUT; o++) total += gs[o]! * values[i * OUT + o]!;
      return total;
    });
    const actualGradX = rows.map((i) => gradX[i]!);
    expectClose(actualGradX, expectedGradX, tolerance, "input gradient");

    const gradWeight = gradients.of(weight);
    for (const i of rows) {
      const row = new Float32Array(await device.read(gradWeight.storage, OUT * 4, i * OUT * 4));
      const expectedRow = Array.from(row, (_, o) => xs[i]! * gs[o]! + xs[IN + i]! * gs[OUT + o]!);
      expectClose(row, expectedRow, tolerance, `weight gradient, row ${i}`);
    }
  });
  test("rejects what does not fit", () => {
    const x = randomTensor(device, [2, 3], 1);
    const weight = randomTensor(device, [4, 5], 1);
    expect(() => linear(x, weight, null)).toThrow(
      "linear: the last axis of x must equal the rows of weight, got 3 and 4\n  x      [2, 3]\n  weight [in, out] [4, 5]",
    );
    expect(() => linear(randomTensor(device, [2, 4], 1), weight, randomTensor(device, [4], 1))).toThrow(
      "linear: bias must hold one value for each of the 5 outputs, got 4",
    );
    expect(() => linear(randomTensor(device, [], 1), weight, null)).toThrow(
      "linear: x must have at least 1 axis, got 0",
    );
    expect(() => linear(x, x, x)).toThrow("linear: the last axis of x must equal the rows of weight, got 3 and 2");
    expect(() => linear(x, randomTensor(device, [3], 1), null)).toThrow("linear: weight must have 2 axes, got 1");
  });
});
