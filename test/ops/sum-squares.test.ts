import { describe, expect, test } from "vitest";
import { backward, tensor } from "../../src/index.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { sumAbs, sumSquares } from "../../src/tensor/ops/sum-squares.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { reduceReference } from "../reference/reduce.js";

const device = await testDevice();
/** As a sum of f32 terms. */
const tolerance = 2e-6;

const cases: { shape: number[]; axes?: number[] | number }[] = [
  { shape: [] },
  { shape: [1] },
  { shape: [5003] },
  { shape: [3, 5, 7], axes: [0, 2] },
  { shape: [2, 67, 3, 5], axes: [1, 3] },
  { shape: [2, 3], axes: [] },
  { shape: [0, 3], axes: 0 },
];

describe.each([
  ["sumSquares", sumSquares, (v: number) => v * v],
  ["sumAbs", sumAbs, Math.abs],
] as const)("%s", (name, op, map) => {
  test.each(cases)("forward: $shape over $axes", async ({ shape, ...options }) => {
    const x = randomTensor(device, shape, 5);
    const mapped = Float64Array.from(await x.data(), map);
    expectClose(await op(x, options).data(), reduceReference("sum", mapped, shape, options.axes), tolerance, name);
  });
  test("gradient", async () => {
    const away = randomTensor(device, [3, 2, 5], 1, [0.2, 1]);
    await gradcheck((x) => op(x, { axes: [0, 2] }), [away]);
  });
  test("rejects an axis that is not there", () => {
    expect(() => op(tensor(device, [1, 2]), { axes: 1 })).toThrow(`${name}: axis must lie in [-1, 0]`);
  });
});

test("sumAbs: the gradient at 0 is 0", async () => {
  const x = tensor(device, [-2, 0, 3], [3], { requiresGrad: true });
  expect([...(await backward(sumAbs(x)).of(x).data())]).toEqual([-1, 0, 1]);
});
