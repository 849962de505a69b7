import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { groupNorm } from "../../src/tensor/ops/group-norm.js";
import { full, type Tensor } from "../../src/tensor/tensor.js";
import { testDevice } from "../device.js";
import { checkLargeMean, checkNorm, checkNormDerivatives, checkSameGradient, normInputs } from "../group-norm.js";

const device = await testDevice();

const cases: { shape: number[]; groups: number; eps?: number }[] = [
  { shape: [2, 5, 7, 6], groups: 3 },
  { shape: [2, 5, 7, 6], groups: 1, eps: 1e-3 },
  { shape: [3, 4, 5, 4], groups: 4 },
  { shape: [13, 6], groups: 2 },
  { shape: [2, 9, 10], groups: 5 },
  { shape: [1, 67, 61, 4], groups: 2 },
  { shape: [1, 131, 127, 2], groups: 1 },
  { shape: [2, 1, 1, 8], groups: 4 },
];

describe("groupNorm", () => {
  test.each(cases)("forward and gradients: $shape in $groups groups", async ({ shape, groups, eps = 1e-5 }) => {
    const C = shape.at(-1)!;
    const sizes = { N: shape[0]!, P: shape.slice(1, -1).reduce((a, b) => a * b, 1), G: groups, D: C / groups };
    await checkNorm((x, w, b) => groupNorm(x, w, b, { groups, eps }), shape, [C], sizes, eps);
  });
  test("gradients against differences, and second derivatives", async () => {
    await checkNormDerivatives((x, w, b) => groupNorm(x, w, b, { groups: 2, eps: 1e-2 }), [2, 2, 3, 4], [4]);
    await checkSameGradient((x, w, b) => groupNorm(x, w, b, { groups: 2 }), [2, 2, 3, 4], [4]);
  });
  test("a large mean is no danger", async () => {
    const sizes = { N: 2, P: 61 * 67, G: 2, D: 3 };
    await checkLargeMean((x, w, b) => groupNorm(x, w, b, { groups: 2 }), [2, 61, 67, 6], sizes, 1e-5);
  });
  test.each([{ shape: [0, 3, 2, 4] }, { shape: [2, 0, 3, 4] }, { shape: [2, 3, 2, 0] }])(
    "empty: $shape",
    async ({ shape }) => {
      const C = shape.at(-1)!;
      const { x, weight, bias } = normInputs(shape, [C]);
      const y = groupNorm(x, weight, bias, { groups: C / 2 || 1 });
      expect(y.shape).toEqual(shape);
      const gradients = backward(y, { gradOutput: full(device, shape, 1) });
      expect((await gradients.of(x).data()).length).toBe(0);
      expect([...(await gradients.of(weight).data())]).toEqual(new Array(C).fill(0));
      expect([...(await gradients.of(bias).data())]).toEqual(new Array(C).fill(0));
    },
  );
  test("nothing leaks", () => {
    const { x, weight, bias } = normInputs([2, 5, 7, 4], [4]);
    const before = device.memory();
    {
      using _scope = device.scope();
      backward(groupNorm(x, weight, bias, { groups: 2 }), { gradOutput: full(device, [2, 5, 7, 4], 1) });
    }
    device.noGrad(() => groupNorm(x, weight, bias, { groups: 2 })).dispose();
    expect(device.memory().tensors).toBe(before.tensors);
    expect(device.memory().buffers).toBe(before.buffers);
  });
  test("rejects what does not fit", () => {
    const x = full(device, [2, 3, 5, 6], 1);
    const rejects = (run: () => unknown, text: string) => expect(run).toThrow(`groupNorm: ${text}`);
    const of = (tensor: Tensor, groups: number) => () => groupNorm(tensor, null, null, { groups });
    rejects(of(x, 4), "groups must divide the channels, got 4 for 6\n  x [2, 3, 5, 6]");
    rejects(of(x, 0), "groups must divide the channels, got 0 for 6");
    rejects(of(full(device, [6], 1), 2), "x must have at least 2 axes, images first and channels last, got 1\n  x [6]");
    rejects(of(full(device, [1, 1, 1, 6], 1), 6), "needs more than one value a group, got 1\n  x [1, 1, 1, 6]");
    rejects(
      () => groupNorm(x, full(device, [5], 1), null, { groups: 2 }),
      "weight must have the shape [6], got [5]\n  x      [2, 3, 5, 6]\n  weight [5]",
    );
    rejects(
      () => groupNorm(x, null, full(device, [1, 6], 1), { groups: 2 }),
      "bias must have the shape [6], got [1, 6]",
    );
  });
});
