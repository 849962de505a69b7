import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { layerNorm } from "../../src/tensor/ops/layer-norm.js";
import { full } from "../../src/tensor/tensor.js";
import { expectClose, testDevice } from "../device.js";
import { checkLargeMean, checkNorm, checkNormDerivatives, checkSameGradient, normInputs } from "../group-norm.js";

const device = await testDevice();

const cases: { shape: number[]; last: number }[] = [
  { shape: [5, 7], last: 1 },
  { shape: [2, 3, 67], last: 1 },
  { shape: [2, 3, 5, 4], last: 3 },
  { shape: [3, 4, 5], last: 2 },
  { shape: [6, 5], last: 2 },
  { shape: [1, 4099], last: 1 },
  { shape: [300, 2], last: 1 },
];

describe("layerNorm", () => {
  test.each(cases)("forward and gradients: the last $last of $shape", async ({ shape, last }) => {
    const trailing = shape.slice(-last);
    const [rows, length] = [shape.slice(0, -last), trailing].map((own) => own.reduce((a, b) => a * b, 1));
    const sizes = { N: rows!, P: 1, G: 1, D: length! };
    await checkNorm((x, w, b) => layerNorm(x, w, b, { shape: trailing }), shape, trailing, sizes, 1e-5);
  });
  test("gradients against differences, and second derivatives", async () => {
    await checkNormDerivatives((x, w, b) => layerNorm(x, w, b, { eps: 1e-2 }), [3, 2, 4], [2, 4]);
    await checkSameGradient((x, w, b) => layerNorm(x, w, b), [3, 2, 4], [4]);
  });
  test("a large mean is no danger", async () => {
    await checkLargeMean((x) => layerNorm(x, null, null), [7, 4001], { N: 7, P: 1, G: 1, D: 4001 }, 1e-5);
  });
  test("one value a row gives the bias, and no gradient to x", async () => {
    const { x, weight, bias } = normInputs([3, 1], [1]);
    const y = layerNorm(x, weight, bias);
    const [b] = await bias.data();
    expectClose(await y.data(), [b!, b!, b!], 0);
    const gradients = backward(y, { gradOutput: full(device, [3, 1], 2) });
    expect([...(await gradients.of(x).data())]).toEqual([0, 0, 0]);
  });
  test.each([{ shape: [0, 4] }, { shape: [3, 0] }])("empty: $shape", async ({ shape }) => {
    const { x, weight, bias } = normInputs(shape, shape.slice(-1));
    const y = layerNorm(x, weight, bias);
    expect(y.shape).toEqual(shape);
    const gradients = backward(y, { gradOutput: full(device, shape, 1) });
    expect([...(await gradients.of(weight).data())]).toEqual(new Array(shape[1]!).fill(0));
  });
  test("rejects what does not fit", () => {
    const x = full(device, [2, 3, 5], 1);
    const rejects = (run: () => unknown, text: string) => expect(run).toThrow(`layerNorm: ${text}`);
    rejects(
      () => layerNorm(x, full(device, [3], 1), null),
      "x must end with the shape that is normalised, [3], got [2, 3, 5]\n  x [2, 3, 5]",
    );
    rejects(
      () => layerNorm(x, null, null, { shape: [] }),
      "x must end with the shape that is normalised, [], got [2, 3, 5]",
    );
    rejects(
      () => layerNorm(x, full(device, [5], 1), null, { shape: [3, 5] }),
      "weight must have the shape [3, 5], got [5]\n  x      [2, 3, 5]\n  weight [5]",
    );
    rejects(() => layerNorm(x, null, full(device, [1], 1)), "bias must have the shape [5], got [1]");
  });
});
