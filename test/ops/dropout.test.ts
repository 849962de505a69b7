import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { dropout, dropoutAt } from "../../src/tensor/ops/dropout.js";
import { mul } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { createRng } from "../../src/tensor/random.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { dropoutReference, wordsReference } from "../reference/random.js";

const device = await testDevice();
// One multiplication by a rounded factor.
const tolerance = 2e-7;

describe("dropout", () => {
  test.each([
    { shape: [], rate: 0.5 },
    { shape: [7], rate: 0.25 },
    { shape: [3, 5, 2, 67], rate: 0.9 },
    { shape: [0, 4], rate: 0.5 },
  ])("forward: $shape at rate $rate", async ({ shape, rate }) => {
    const x = randomTensor(device, shape, 3);
    const y = await dropout(x, { rate, rng: createRng(device, 9) }).data();
    expectClose(y, dropoutReference(await x.data(), wordsReference(9, 0, x.size), rate), tolerance);
  });
  test("the share of zeros is the rate, and calls differ", async () => {
    const rng = createRng(device, 1);
    const x = tensor(device, new Float32Array(40_001).fill(1));
    const first = await dropout(x, { rate: 0.3, rng }).data();
    const second = await dropout(x, { rate: 0.3, rng }).data();
    const zeros = first.filter((v) => v === 0).length / x.size;
    expect(Math.abs(zeros - 0.3)).toBeLessThan(0.012);
    expect([...first]).not.toEqual([...second]);
  });
  test("gradient: the same mask, at every order", async () => {
    const rng = createRng(device, 2);
    const stream = rng.take(35);
    await gradcheck((x) => dropoutAt(x, stream, { rate: 0.4 }), [randomTensor(device, [5, 7], 1)]);
    const x = randomTensor(device, [5, 7], 1, [1, 2], { requiresGrad: true });
    const first = backward(sum(dropout(mul(x, x), { rate: 0.4, rng })), { createGraph: true }).of(x);
    const second = backward(sum(first)).of(x);
    const mask = (await first.data()).map((g) => (g === 0 ? 0 : 2 / 0.6));
    expectClose(await second.data(), mask, 1e-6);
  });
  test("rate 0 is the identity and draws nothing", async () => {
    const rng = createRng(device, 2);
    const x = randomTensor(device, [5], 1);
    expect(dropout(x, { rate: 0, rng })).toBe(x);
    expect((await rng.state()).counter).toBe(0);
  });
  test("rejects a rate that is no probability below 1, and a stream that is none", () => {
    const x = randomTensor(device, [5], 1);
    const rng = createRng(device, 0);
    expect(() => dropout(x, { rate: 1, rng })).toThrow("dropout: rate must lie in [0, 1), got 1");
    expect(() => dropout(x, { rate: Number.NaN, rng })).toThrow("dropout: rate must lie in [0, 1), got NaN");
    expect(() => dropoutAt(x, tensor(device, [1], [1], { dtype: "u32" }), { rate: 0.5 })).toThrow(
      "dropout: stream must be [6], got [1]",
    );
  });
});
