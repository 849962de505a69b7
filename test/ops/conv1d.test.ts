import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import {
  type Conv1dOptions,
  type ConvTranspose1dOptions,
  conv1d,
  convTranspose1d,
} from "../../src/tensor/ops/conv1d.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { convTranspose2dGradReference, convTranspose2dReference } from "../reference/conv-transpose2d.js";
import { conv2dGradInputReference, conv2dGradWeightReference, conv2dReference } from "../reference/conv2d.js";

const device = await testDevice();
const tolerance = 4e-6;
const leaf = { requiresGrad: true };

interface Case<Options> {
  readonly x: readonly [N: number, L: number, C: number];
  readonly K: number;
  readonly O: number;
  readonly options: Options;
  /** Zeros before and after, worked out by hand. */
  readonly padding: readonly [number, number];
}

const cases: Case<Conv1dOptions>[] = [
  { x: [1, 1, 1], K: 1, O: 1, options: {}, padding: [0, 0] },
  { x: [2, 11, 5], K: 3, O: 7, options: {}, padding: [0, 0] },
  { x: [2, 11, 19], K: 4, O: 3, options: { padding: 2, stride: 3 }, padding: [2, 2] },
  { x: [1, 12, 4], K: 4, O: 6, options: { padding: "same", stride: 2 }, padding: [1, 1] },
  { x: [2, 7, 3], K: 3, O: 5, options: { padding: [4, 0], dilation: 2 }, padding: [4, 0] },
  { x: [2, 9, 6], K: 3, O: 6, options: { groups: 6, padding: 1 }, padding: [1, 1] },
  { x: [2, 9, 16], K: 2, O: 18, options: { groups: 2, padding: "valid" }, padding: [0, 0] },
  { x: [0, 9, 3], K: 2, O: 2, options: {}, padding: [0, 0] },
];

describe("conv1d", () => {
  test.each(cases)("$x, kernel $K, $options", async ({ x: shape, K, O, options, padding }) => {
    const [N, L, C] = shape;
    const { groups = 1, stride = 1, dilation = 1 } = options;
    const g = {
      ...{ N, H: 1, W: L, C, KH: 1, KW: K, O, groups, padding: [[0, 0], padding] as const },
      ...{ stride: [1, stride] as const, dilation: [1, dilation] as const },
    };
    const x = randomTensor(device, shape, 1, [-1, 1], leaf);
    const weight = randomTensor(device, [K, C / groups, O], 2, [-1, 1], leaf);
    const bias = randomTensor(device, [O], 3, [-1, 1], leaf);
    const y = conv1d(x, weight, bias, options);
    const OL = Math.floor((L + padding[0] + padding[1] - dilation * (K - 1) - 1) / stride) + 1;
    expect(y.shape).toEqual([N, OL, O]);
    const [a, b, c] = [await x.data(), await weight.data(), await bias.data()];
    expectClose(await y.data(), conv2dReference(g, a, b, c), tolerance);
    const gradOutput = randomTensor(device, y.shape, 4);
    const gradients = backward(y, { gradOutput });
    const incoming = await gradOutput.data();
    expectClose(await gradients.of(x).data(), conv2dGradInputReference(g, incoming, b), tolerance, "x");
    expectClose(await gradients.of(weight).data(), conv2dGradWeightReference(g, a, incoming), tolerance, "weight");
  });
  test("gradient against differences", async () => {
    const options = { stride: 2, padding: 1, dilation: 2 };
    const inputs = [[2, 9, 3], [3, 3, 2], [2]].map((shape, i) => randomTensor(device, shape, i));
    await gradcheck((...[a, b, c]) => conv1d(a!, b!, c!, options), inputs);
  });
  test("rejects what does not fit", () => {
    const x = randomTensor(device, [2, 5, 6], 1);
    const weight = randomTensor(device, [3, 6, 8], 1);
    const rejects = (run: () => unknown, text: string) => expect(run).toThrow(`conv1d: ${text}`);
    rejects(() => conv1d(randomTensor(device, [2, 5, 6, 1], 1), weight), "x must have 3 axes (NLC), got 4");
    rejects(() => conv1d(x, randomTensor(device, [3], 1)), "weight must have 3 axes (KIO), got 1");
    rejects(
      () => conv1d(x, randomTensor(device, [3, 4, 8], 1)),
      "input channels must equal weight input channels x groups, got 6 and 4 x 1 = 4\n  x      NLC [2, 5, 6]\n  weight KIO [3, 4, 8]",
    );
    rejects(
      () => conv1d(x, weight, null, { dilation: 3 }),
      "the dilated kernel must fit the padded input, got 1 x 7 in 1 x 5",
    );
    rejects(() => conv1d(x, weight, null, { stride: 0 }), "stride must be whole numbers >= 1, got [1, 0]");
    rejects(
      () => conv1d(x, weight, randomTensor(device, [7], 1)),
      "bias must hold one value for each of the 8 output channels, got 7",
    );
    rejects(() => conv1d(undefined as unknown as Tensor, weight), "x must be a tensor, got undefined");
  });
});

const transposed: (Case<ConvTranspose1dOptions> & { readonly OL: number })[] = [
  { x: [2, 5, 3], K: 3, O: 4, options: {}, padding: [0, 0], OL: 7 },
  { x: [2, 5, 4], K: 4, O: 7, options: { stride: 2, padding: 1 }, padding: [1, 1], OL: 10 },
  { x: [1, 5, 3], K: 3, O: 2, options: { stride: 3, outputPadding: 2 }, padding: [0, 0], OL: 17 },
  { x: [1, 5, 3], K: 4, O: 2, options: { stride: 2, padding: "same" }, padding: [1, 1], OL: 10 },
  { x: [2, 4, 6], K: 3, O: 6, options: { groups: 3, dilation: 2 }, padding: [0, 0], OL: 8 },
];

describe("convTranspose1d", () => {
  test.each(transposed)("$x, kernel $K, $options", async ({ x: shape, K, O, options, padding, OL }) => {
    const [N, L, C] = shape;
    const { groups = 1, stride = 1, dilation = 1 } = options;
    const g = {
      ...{ N, H: 1, W: L, C, KH: 1, KW: K, OH: 1, OW: OL, O, groups, before: [0, padding[0]] as const },
      ...{ stride: [1, stride] as const, dilation: [1, dilation] as const },
    };
    const x = randomTensor(device, shape, 1, [-1, 1], leaf);
    const weight = randomTensor(device, [K, O / groups, C], 2, [-1, 1], leaf);
    const bias = randomTensor(device, [O], 3, [-1, 1], leaf);
    const y = convTranspose1d(x, weight, bias, options);
    expect(y.shape).toEqual([N, OL, O]);
    const [a, b, c] = [await x.data(), await weight.data(), await bias.data()];
    expectClose(await y.data(), convTranspose2dReference(g, a, b, c), tolerance);
    const gradOutput = randomTensor(device, y.shape, 4);
    const gradients = backward(y, { gradOutput });
    const expected = convTranspose2dGradReference(g, a, b, await gradOutput.data());
    for (const [name, input] of Object.entries({ x, weight, bias }))
      expectClose(await gradients.of(input).data(), expected[name as "x"], tolerance, name);
  });
  test("rejects what does not fit", () => {
    const x = randomTensor(device, [2, 5, 6], 1);
    const weight = randomTensor(device, [3, 8, 6], 1);
    const rejects = (run: () => unknown, text: string) => expect(run).toThrow(`convTranspose1d: ${text}`);
    rejects(() => convTranspose1d(randomTensor(device, [2], 1), weight), "x must have 3 axes (NLC), got 1");
    rejects(() => convTranspose1d(x, randomTensor(device, [3], 1)), "weight must have 3 axes (KOI), got 1");
    rejects(
      () => convTranspose1d(x, randomTensor(device, [3, 6, 8], 1)),
      "input channels must equal the weight's last axis, got 6 and 8\n  x      NLC [2, 5, 6]\n  weight KOI [3, 6, 8]",
    );
    rejects(
      () => convTranspose1d(x, weight, randomTensor(device, [7], 1)),
      "bias must hold one value for each of the 8",
    );
    rejects(
      () => convTranspose1d(x, weight, null, { padding: 4 }),
      "the output must have at least one pixel, got 1 x -1",
    );
    rejects(
      () => convTranspose1d(x, weight, null, { outputPadding: 1 }),
      "outputPadding must be smaller than the stride",
    );
  });
});
