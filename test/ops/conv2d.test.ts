import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import type { Conv2dOptions } from "../../src/tensor/conv2d-geometry.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { conv2d, conv2dGradInput, conv2dGradWeight } from "../../src/tensor/ops/conv2d.js";
import { add, mul } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { gemmVersions, recordingAlways, withBindingLimit, withVersion } from "../gemm.js";
import {
  type Conv2dReference,
  conv2dGradInputReference,
  conv2dGradWeightReference,
  conv2dOutputSize,
  conv2dReference,
} from "../reference/conv2d.js";

const device = await testDevice();
/** Rounding grows like sqrt(terms) eps_f32 for random terms; the sums here have at most a few thousand. */
const tolerance = 4e-6;

interface Case {
  readonly name: string;
  readonly x: readonly [N: number, H: number, W: number, C: number];
  readonly kernel: readonly [number, number];
  readonly O: number;
  readonly options: Conv2dOptions;
}

const cases: Case[] = [
  { name: "one of everything", x: [1, 1, 1, 1], kernel: [1, 1], O: 1, options: {} },
  { name: "plain", x: [2, 7, 9, 5], kernel: [3, 2], O: 4, options: {} },
  { name: "padding 1", x: [2, 9, 8, 37], kernel: [3, 3], O: 41, options: { padding: 1 } },
  { name: "image channels", x: [2, 13, 11, 3], kernel: [5, 3], O: 17, options: { padding: [2, 1] } },
  { name: "to image channels", x: [2, 6, 11, 19], kernel: [3, 3], O: 3, options: { padding: 1 } },
  { name: "stride 2, same", x: [2, 8, 11, 6], kernel: [3, 3], O: 7, options: { stride: 2, padding: "same" } },
  {
    name: "stride [2, 3], uneven padding",
    x: [2, 11, 13, 5],
    kernel: [4, 3],
    O: 9,
    options: {
      stride: [2, 3],
      padding: [
        [2, 1],
        [0, 3],
      ],
    },
  },
  { name: "stride above the kernel", x: [2, 11, 13, 5], kernel: [2, 1], O: 3, options: { stride: 4 } },
  { name: "dilation [2, 3]", x: [1, 12, 14, 5], kernel: [3, 3], O: 6, options: { dilation: [2, 3], padding: [1, 4] } },
  {
    name: "stride and dilation",
    x: [2, 15, 14, 3],
    kernel: [3, 4],
    O: 5,
    options: {
      stride: [2, 3],
      dilation: [2, 2],
      padding: [
        [3, 2],
        [1, 5],
      ],
    },
  },
  {
    name: "stride 4, dilation 6",
    x: [1, 29, 23, 2],
    kernel: [3, 3],
    O: 3,
    options: { stride: [4, 2], dilation: [6, 4], padding: 5 },
  },
  {
    name: "stride above the image",
    x: [2, 3, 4, 9],
    kernel: [3, 2],
    O: 11,
    options: { stride: [5, 3], padding: [2, 0] },
  },
  { name: "groups and stride", x: [2, 9, 7, 18], kernel: [3, 3], O: 20, options: { groups: 2, padding: 1, stride: 2 } },
  { name: "groups", x: [2, 7, 6, 18], kernel: [3, 2], O: 16, options: { groups: 2, padding: 1, stride: [1, 2] } },
  { name: "depthwise", x: [2, 9, 7, 5], kernel: [3, 3], O: 10, options: { groups: 5, padding: 1, dilation: [1, 2] } },
  { name: "1 x 1", x: [3, 5, 7, 67], kernel: [1, 1], O: 35, options: {} },
  { name: "kernel as large as the input", x: [5, 4, 6, 9], kernel: [4, 6], O: 11, options: {} },
  {
    name: "image channels, all options",
    x: [2, 13, 12, 3],
    kernel: [3, 4],
    O: 18,
    options: {
      stride: [2, 3],
      dilation: [1, 2],
      padding: [
        [2, 1],
        [0, 3],
      ],
    },
  },
  {
    name: "to two channels, uneven padding",
    x: [2, 5, 7, 18],
    kernel: [3, 2],
    O: 2,
    options: {
      dilation: [2, 1],
      padding: [
        [3, 4],
        [0, 4],
      ],
    },
  },
  // A multiple of every tile's rows, and more columns than the widest tile has.
  { name: "whole tiles", x: [2, 8, 8, 3], kernel: [1, 1], O: 150, options: {} },
  { name: "one line", x: [2, 1, 31, 4], kernel: [1, 5], O: 3, options: { padding: "same" } },
];

/** TensorFlow's rule, written out. */
function same(size: number, kernel: number, stride: number, dilation: number): [number, number] {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1 - size);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

function referenceOf({ x, kernel, O, options }: Case): Conv2dReference {
  const pair = (value: number | readonly [number, number] = 1) =>
    typeof value === "number" ? ([value, value] as const) : value;
  const { padding = 0, groups = 1 } = options;
  const [N, H, W, C] = x;
  const stride = pair(options.stride);
  const dilation = pair(options.dilation);
  const edges = (axis: 0 | 1) => {
    if (padding === "valid") return [0, 0] as const;
    if (padding === "same") return same(axis === 0 ? H : W, kernel[axis], stride[axis], dilation[axis]);
    const own = typeof padding === "number" ? padding : padding[axis];
    return typeof own === "number" ? ([own, own] as const) : own;
  };
  return { N, H, W, C, KH: kernel[0], KW: kernel[1], O, stride, dilation, padding: [edges(0), edges(1)], groups };
}

function operands(row: Case) {
  const g = referenceOf(row);
  const x = randomTensor(device, row.x, 1);
  const weight = randomTensor(device, [g.KH, g.KW, g.C / g.groups, g.O], 2);
  const bias = randomTensor(device, [g.O], 3);
  const gradOutput = randomTensor(device, [g.N, ...conv2dOutputSize(g), g.O], 4);
  return { g, x, weight, bias, gradOutput };
}

describe.each(gemmVersions(device, ["lane", "tile", "direct"]))("conv2d, %s version", (version) => {
  test.each(cases)("forward: $name", async (row) => {
    const { g, x, weight, bias } = operands(row);
    for (const shift of [bias, null]) {
      const y = await withVersion(device, version, () => conv2d(x, weight, shift, row.options));
      expect(y.shape).toEqual([g.N, ...conv2dOutputSize(g), g.O]);
      const expected = conv2dReference(g, await x.data(), await weight.data(), (await shift?.data()) ?? null);
      expectClose(await y.data(), expected, tolerance, "conv2d");
    }
  });
  test.each(cases)("input gradient: $name", async (row) => {
    const { g, x, weight, gradOutput } = operands(row);
    const y = await withVersion(device, version, () =>
      conv2dGradInput(gradOutput, weight, { ...row.options, inputSize: [g.H, g.W] }),
    );
    expect(y.shape).toEqual(x.shape);
    const expected = conv2dGradInputReference(g, await gradOutput.data(), await weight.data());
    expectClose(await y.data(), expected, tolerance, "conv2dGradInput");
  });
  test.each([
    ...cases,
    { name: "many pixels", x: [3, 61, 67, 2], kernel: [2, 2], O: 3, options: { padding: 1 } } satisfies Case,
  ])("weight gradient: $name", async (row) => {
    const { g, x, weight, gradOutput } = operands(row);
    const y = await withVersion(device, version, () =>
      conv2dGradWeight(x, gradOutput, { ...row.options, kernelSize: [g.KH, g.KW] }),
    );
    expect(y.shape).toEqual(weight.shape);
    const expected = conv2dGradWeightReference(g, await x.data(), await gradOutput.data());
    expectClose(await y.data(), expected, tolerance, "conv2dGradWeight");
  });
});

const small: Case[] = [
  { name: "plain", x: [2, 4, 5, 3], kernel: [3, 2], O: 2, options: { padding: 1 } },
  {
    name: "all options",
    x: [2, 7, 6, 4],
    kernel: [2, 3],
    O: 6,
    options: {
      stride: [2, 1],
      padding: [
        [1, 2],
        [0, 3],
      ],
      dilation: [1, 2],
      groups: 2,
    },
  },
];

describe("conv2d", () => {
  test.each(small)("gradient: $name", async (row) => {
    const { x, weight, bias } = operands(row);
    await gradcheck((...[a, b, c]) => conv2d(a!, b!, c!, row.options), [x, weight, bias]);
  });
  test.each(small)("gradients of the gradients: $name", async (row) => {
    const { g, x, weight, gradOutput } = operands(row);
    await gradcheck(
      (...[a, b]) => conv2dGradInput(a!, b!, { ...row.options, inputSize: [g.H, g.W] }),
      [gradOutput, weight],
    );
    await gradcheck(
      (...[a, b]) => conv2dGradWeight(a!, b!, { ...row.options, kernelSize: [g.KH, g.KW] }),
      [x, gradOutput],
    );
  });
  test("second gradient through backward", async () => {
    const row = small[1]!;
    const { x, weight } = operands(row);
    await gradcheck(
      recordingAlways(device, (a, b) => {
        const y = conv2d(a, b, null, row.options);
        const first = backward(sum(mul(y, y)), { wrt: [a, b], createGraph: true });
        return add(sum(mul(first.of(a), a)), sum(mul(first.of(b), first.of(b))));
      }),
      [x, weight],
    );
  });
  test.each([
    { stride: [2, 3], dispatches: 1 },
    { stride: [1, 1], dispatches: 1 },
    // As many phases as no grid has workgroups.
    { stride: [300, 300], dispatches: 1 },
  ] as const)("the phases of an input gradient are one dispatch: stride $stride", async ({ stride, dispatches }) => {
    const row: Case = { name: "", x: [1, 9, 11, 12], kernel: [3, 4], O: 10, options: { stride, padding: 1 } };
    const { g, weight, gradOutput } = operands(row);
    const before = device.commandCounts().dispatches;
    const y = conv2dGradInput(gradOutput, weight, { ...row.options, inputSize: [g.H, g.W] });
    expect(device.commandCounts().dispatches - before).toBe(dispatches);
    const expected = conv2dGradInputReference(g, await gradOutput.data(), await weight.data());
    expectClose(await y.data(), expected, tolerance, "conv2dGradInput");
  });
  test("no images", async () => {
    const x = randomTensor(device, [0, 5, 4, 3], 1);
    const weight = randomTensor(device, [3, 3, 3, 2], 1);
    const y = conv2d(x, weight, null, { padding: 1 });
    expect(y.shape).toEqual([0, 5, 4, 2]);
    const gradWeight = conv2dGradWeight(x, y, { padding: 1, kernelSize: [3, 3] });
    expect([...(await gradWeight.data())]).toEqual(new Array(54).fill(0));
    expect(conv2dGradInput(y, weight, { padding: 1, inputSize: [5, 4] }).shape).toEqual([0, 5, 4, 3]);
  });
  test.each([
    { name: "odd images", x: [131, 5, 7, 3], kernel: [3, 2], O: 2, options: { padding: 1, stride: [1, 2] } },
    { name: "even images", x: [9, 16, 16, 4], kernel: [3, 3], O: 8, options: { padding: 1 } },
    { name: "depthwise", x: [131, 5, 7, 3], kernel: [3, 2], O: 3, options: { groups: 3 } },
  ] satisfies Case[])("tensors larger than one binding, in windows: $name", async (row) => {
    const { g, x, weight, bias, gradOutput } = operands(row);
    await withBindingLimit(device, 32768, async () => {
      const y = await conv2d(x, weight, bias, row.options).data();
      const inputs = [await x.data(), await weight.data(), await bias.data(), await gradOutput.data()] as const;
      expectClose(y, conv2dReference(g, inputs[0], inputs[1], inputs[2]), tolerance, "conv2d");
      const gradInput = await conv2dGradInput(gradOutput, weight, { ...row.options, inputSize: [g.H, g.W] }).data();
      expectClose(gradInput, conv2dGradInputReference(g, inputs[3], inputs[1]), tolerance, "conv2dGradInput");
      const gradWeight = await conv2dGradWeight(x, gradOutput, { ...row.options, kernelSize: row.kernel }).data();
      expectClose(gradWeight, conv2dGradWeightReference(g, inputs[0], inputs[3]), tolerance, "conv2dGradWeight");
    });
  });
  test("images too large for a binding are refused", async () => {
    const x = randomTensor(device, [65, 5, 7, 3], 1);
    await withBindingLimit(device, 16384, () => {
      expect(() => conv2d(x, randomTensor(device, [1, 1, 3, 3], 1), null)).toThrow(
        "conv2d: 64 images need a binding of 26880 bytes, but this adapter allows 16384; use smaller images",
      );
    });
  });
  test("same bits on every run", async () => {
    const { x, gradOutput } = operands({ name: "", x: [3, 61, 67, 2], kernel: [2, 2], O: 3, options: {} });
    const run = () => conv2dGradWeight(x, gradOutput, { kernelSize: [2, 2] }).data();
    expect(await run()).toEqual(await run());
  });
  test("rejects what does not fit", () => {
    const x = randomTensor(device, [2, 5, 4, 6], 1);
    const weight = randomTensor(device, [3, 3, 4, 8], 1);
    expect(() => conv2d(x, weight, null)).toThrow(
      "conv2d: input channels must equal weight input channels x groups, got 6 and 4 x 1 = 4\n  x      NHWC [2, 5, 4, 6]\n  weight HWIO [3, 3, 4, 8]",
    );
    const fitting = randomTensor(device, [3, 3, 2, 8], 1);
    expect(() => conv2d(x, fitting, null, { groups: 3 })).toThrow(
      "conv2d: groups must divide the output channels, got 3 and 8",
    );
    const full = randomTensor(device, [3, 3, 6, 8], 1);
    expect(() => conv2d(x, full, null, { dilation: [1, 2] })).toThrow(
      "conv2d: the dilated kernel must fit the padded input, got 3 x 5 in 5 x 4",
    );
    expect(() => conv2d(x, full, randomTensor(device, [7], 1))).toThrow(
      "conv2d: bias must hold one value for each of the 8 output channels, got 7",
    );
    expect(() => conv2d(x, full, null, { stride: 0 })).toThrow("conv2d: stride must be whole numbers >= 1, got [0, 0]");
    expect(() => conv2d(x, full, null, { dilation: [1, 1.5] })).toThrow(
      "conv2d: dilation must be whole numbers >= 1, got [1, 1.5]",
    );
    expect(() => conv2d(x, full, null, { padding: -1 })).toThrow(
      "conv2d: padding must be whole numbers >= 0, got [-1, -1]",
    );
    expect(() => conv2d(x, full, null, { groups: 0 })).toThrow("conv2d: groups must be whole and >= 1, got 0");
    expect(() => conv2d(x, randomTensor(device, [0, 3, 6, 8], 1), null)).toThrow(
      "conv2d: the kernel's size must be whole numbers >= 1, got [0, 3]",
    );
    expect(() => conv2d(randomTensor(device, [5, 4, 6], 1), full, null)).toThrow(
      "conv2d: x must have 4 axes (NHWC), got 3",
    );
    expect(() => conv2d(x, randomTensor(device, [3], 1), null)).toThrow(
      "conv2d: weight must have 4 axes (HWIO), got 1",
    );
    const grad = randomTensor(device, [2, 3, 2, 8], 1);
    expect(() => conv2dGradInput(grad, full, { inputSize: [6, 4] })).toThrow(
      "conv2dGradInput: gradOutput must have the convolution's output size 4 x 2, got 3 x 2",
    );
    expect(() => conv2dGradInput(grad, randomTensor(device, [3, 3, 6, 7], 1), { inputSize: [5, 4] })).toThrow(
      "conv2dGradInput: channels of gradOutput must equal output channels of weight, got 8 and 7",
    );
    expect(() => conv2dGradWeight(x, randomTensor(device, [3, 3, 2, 8], 1), { kernelSize: [3, 3] })).toThrow(
      "conv2dGradWeight: x and gradOutput must hold equally many images, got 2 and 3",
    );
    expect(() => conv2dGradWeight(x, grad, { kernelSize: [3, 3], groups: 4 })).toThrow(
      "conv2dGradWeight: input channels must equal weight input channels x groups, got 6 and 1 x 4 = 4",
    );
  });
});
