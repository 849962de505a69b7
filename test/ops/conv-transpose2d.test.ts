import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import type { ConvTranspose2dOptions } from "../../src/tensor/conv2d-geometry.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { convTranspose2d } from "../../src/tensor/ops/conv-transpose2d.js";
import { add, mul } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { gemmVersions, recordingAlways, withBindingLimit, withVersion } from "../gemm.js";
import {
  type ConvTranspose2dReference,
  convTranspose2dGradReference,
  convTranspose2dReference,
} from "../reference/conv-transpose2d.js";

const device = await testDevice();
/** Rounding grows like sqrt(terms) eps_f32 for random terms; the sums here have at most a few thousand. */
const tolerance = 4e-6;

interface Case {
  readonly name: string;
  readonly x: readonly [N: number, H: number, W: number, C: number];
  readonly kernel: readonly [number, number];
  readonly O: number;
  readonly options: ConvTranspose2dOptions;
  /** Output height and width, worked out by hand. */
  readonly size: readonly [number, number];
}

const cases: Case[] = [
  { name: "one of everything", x: [1, 1, 1, 1], kernel: [1, 1], O: 1, options: {}, size: [1, 1] },
  { name: "plain", x: [2, 3, 5, 4], kernel: [3, 2], O: 5, options: {}, size: [5, 6] },
  {
    name: "twice, as in a GAN",
    x: [2, 5, 4, 19],
    kernel: [4, 4],
    O: 17,
    options: { stride: 2, padding: 1 },
    size: [10, 8],
  },
  { name: "same", x: [2, 3, 5, 6], kernel: [3, 4], O: 7, options: { stride: [2, 3], padding: "same" }, size: [6, 15] },
  {
    name: "same, stride above the kernel",
    x: [1, 3, 2, 5],
    kernel: [2, 1],
    O: 3,
    options: { stride: 3, padding: "same" },
    size: [9, 6],
  },
  {
    name: "outputPadding",
    x: [2, 4, 3, 5],
    kernel: [3, 3],
    O: 9,
    options: { stride: [2, 3], padding: 1, outputPadding: [1, 2] },
    size: [8, 9],
  },
  {
    name: "outputPadding of a stride, below the dilation",
    x: [2, 3, 4, 3],
    kernel: [3, 2],
    O: 4,
    options: { dilation: [3, 2], padding: [1, 1], outputPadding: [2, 1] },
    size: [9, 5],
  },
  {
    name: "stride, dilation, uneven padding",
    x: [2, 4, 5, 3],
    kernel: [3, 4],
    O: 5,
    options: {
      stride: [2, 3],
      dilation: 2,
      padding: [
        [3, 2],
        [1, 5],
      ],
    },
    size: [6, 13],
  },
  {
    name: "groups",
    x: [2, 4, 3, 18],
    kernel: [3, 2],
    O: 16,
    options: { groups: 2, padding: 1, stride: [1, 2] },
    size: [4, 4],
  },
  { name: "depthwise", x: [2, 5, 4, 5], kernel: [3, 3], O: 10, options: { groups: 5, stride: 2 }, size: [11, 9] },
  {
    name: "to image channels",
    x: [2, 6, 5, 35],
    kernel: [3, 3],
    O: 3,
    options: { stride: 2, padding: 1 },
    size: [11, 9],
  },
  {
    name: "padding above the kernel",
    x: [1, 9, 7, 2],
    kernel: [2, 2],
    O: 3,
    options: { padding: [3, 2] },
    size: [4, 4],
  },
];

const both = (value: number | readonly [number, number] = 1) =>
  typeof value === "number" ? ([value, value] as const) : value;

/** Pixels taken off the top and the left: with `"same"`, half of what the size without padding is over stride x size. */
function beforeOf({ x, kernel, options }: Case): readonly [number, number] {
  const { padding = 0 } = options;
  const axis = (i: 0 | 1) => {
    if (padding === "valid") return 0;
    if (padding === "same") {
      const [s, d] = [both(options.stride)[i], both(options.dilation)[i]];
      const whole = (x[i + 1]! - 1) * s + d * (kernel[i] - 1) + 1;
      return Math.floor(Math.max(0, whole - x[i + 1]! * s) / 2);
    }
    const own = typeof padding === "number" ? padding : padding[i];
    return typeof own === "number" ? own : own[0];
  };
  return [axis(0), axis(1)];
}

function operands(row: Case) {
  const [N, H, W, C] = row.x;
  const { groups = 1 } = row.options;
  const g: ConvTranspose2dReference = {
    ...{ N, H, W, C, KH: row.kernel[0], KW: row.kernel[1], OH: row.size[0], OW: row.size[1], O: row.O, groups },
    ...{ stride: both(row.options.stride), dilation: both(row.options.dilation), before: beforeOf(row) },
  };
  const leaf = { requiresGrad: true };
  return {
    g,
    x: randomTensor(device, row.x, 1, [-1, 1], leaf),
    weight: randomTensor(device, [g.KH, g.KW, g.O / groups, C], 2, [-1, 1], leaf),
    bias: randomTensor(device, [g.O], 3, [-1, 1], leaf),
    gradOutput: randomTensor(device, [N, g.OH, g.OW, g.O], 4),
  };
}

async function check(row: Case): Promise<void> {
  const { g, x, weight, bias, gradOutput } = operands(row);
  const data = [await x.data(), await weight.data(), await bias.data(), await gradOutput.data()] as const;
  const y = convTranspose2d(x, weight, bias, row.options);
  expect(y.shape).toEqual(gradOutput.shape);
  expectClose(await y.data(), convTranspose2dReference(g, data[0], data[1], data[2]), tolerance);
  const bare = convTranspose2d(x, weight, null, row.options);
  expectClose(await bare.data(), convTranspose2dReference(g, data[0], data[1], null), tolerance, "no bias");
  const gradients = backward(y, { gradOutput });
  const expected = convTranspose2dGradReference(g, data[0], data[1], data[3]);
  for (const [name, tensor] of Object.entries({ x, weight, bias }))
    expectClose(await gradients.of(tensor).data(), expected[name as keyof typeof expected], tolerance, name);
}

describe.each(gemmVersions(device, ["lane", "tile", "direct"]))("convTranspose2d, %s version", (version) => {
  test.each(cases)("$name", async (row) => {
    await withVersion(device, version, () => check(row));
  });
});

describe("convTranspose2d", () => {
  test.each(cases)("with the kernels chosen: $name", check);
  test.each([cases[1]!, cases[5]!, cases[6]!, cases[8]!])("gradient against differences: $name", async (row) => {
    const { x, weight, bias } = operands(row);
    await gradcheck((...[a, b, c]) => convTranspose2d(a!, b!, c!, row.options), [x, weight, bias]);
  });
  test.each([cases[5]!, cases[6]!])("second gradient through backward: $name", async (row) => {
    const { x, weight } = operands({ ...row, x: [1, row.x[1], row.x[2], row.x[3]] });
    const f = (a: Tensor, b: Tensor) => {
      const y = convTranspose2d(a, b, null, row.options);
      const first = backward(sum(mul(y, y)), { wrt: [a, b], createGraph: true });
      return add(sum(mul(first.of(a), a)), sum(mul(first.of(b), first.of(b))));
    };
    await gradcheck(recordingAlways(device, f), [x, weight]);
  });
  test("no images", async () => {
    const row: Case = { name: "", x: [0, 3, 4, 2], kernel: [3, 2], O: 3, options: { stride: 2 }, size: [7, 8] };
    const { x, weight, bias } = operands(row);
    const y = convTranspose2d(x, weight, bias, row.options);
    expect(y.shape).toEqual([0, 7, 8, 3]);
    const gradients = backward(sum(y));
    expect([...(await gradients.of(weight).data())]).toEqual(new Array(36).fill(0));
    expect([...(await gradients.of(bias).data())]).toEqual([0, 0, 0]);
  });
  test("no channels give the bias", async () => {
    const row: Case = { name: "", x: [1, 2, 2, 0], kernel: [1, 1], O: 2, options: {}, size: [2, 2] };
    const { x, weight, bias } = operands(row);
    const b = await bias.data();
    expectClose(await convTranspose2d(x, weight, bias).data(), [...b, ...b, ...b, ...b], 0);
  });
  test("tensors larger than one binding, in windows", async () => {
    const row: Case = { name: "", x: [131, 3, 5, 4], kernel: [3, 2], O: 3, options: { stride: [2, 1] }, size: [7, 6] };
    await withBindingLimit(device, 65536, () => check(row));
  });
  test("rejects what does not fit", () => {
    const x = randomTensor(device, [2, 5, 4, 6], 1);
    const weight = randomTensor(device, [3, 3, 8, 6], 1);
    const shapes = "\n  x      NHWC [2, 5, 4, 6]\n  weight HWOI [3, 3, 8, 6]";
    const rejects = (options: ConvTranspose2dOptions, text: string) =>
      expect(() => convTranspose2d(x, weight, null, options)).toThrow(`convTranspose2d: ${text}`);
    rejects({ stride: 0 }, "stride must be whole numbers >= 1, got [0, 0]");
    rejects({ dilation: 1.5 }, "dilation must be whole numbers >= 1, got [1.5, 1.5]");
    rejects({ groups: 0 }, "groups must be whole and >= 1, got 0");
    rejects({ groups: 4 }, `groups must divide the input channels, got 4 and 6${shapes}`);
    rejects({ padding: -1 }, "padding must be whole numbers >= 0, got [-1, -1]");
    rejects({ outputPadding: -1 }, "outputPadding must be whole numbers >= 0, got [-1, -1]");
    rejects(
      { stride: 2, outputPadding: [0, 2] },
      `outputPadding must be smaller than the stride or the dilation, got 0 x 2 for stride 2 x 2 and dilation 1 x 1${shapes}`,
    );
    rejects(
      { stride: 2, padding: "same", outputPadding: 1 },
      'outputPadding must be 0 with padding "same", which fixes the size, got 1 x 1',
    );
    rejects({ padding: [4, 0] }, `the output must have at least one pixel, got -1 x 6${shapes}`);
    const call =
      (a: Tensor, b: Tensor, c: Tensor | null = null) =>
      () =>
        convTranspose2d(a, b, c);
    expect(call(randomTensor(device, [5, 4, 6], 1), weight)).toThrow(
      "convTranspose2d: x must have 4 axes (NHWC), got 3",
    );
    expect(call(x, randomTensor(device, [3], 1))).toThrow("convTranspose2d: weight must have 4 axes (HWOI), got 1");
    expect(call(x, randomTensor(device, [3, 3, 6, 8], 1))).toThrow(
      "convTranspose2d: input channels must equal the weight's last axis, got 6 and 8\n  x      NHWC [2, 5, 4, 6]\n  weight HWOI [3, 3, 6, 8]",
    );
    expect(call(x, weight, randomTensor(device, [7], 1))).toThrow(
      "convTranspose2d: bias must hold one value for each of the 8 output channels, got 7",
    );
    expect(call(randomTensor(device, [1, 0, 4, 6], 1), weight)).toThrow(
      "convTranspose2d: height and width must be at least 1, got 0 x 4",
    );
    expect(call(x, randomTensor(device, [0, 3, 8, 6], 1))).toThrow(
      "convTranspose2d: the kernel's size must be whole numbers >= 1, got [0, 3]",
    );
  });
});
