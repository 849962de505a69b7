import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { mul } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { type Upsample2dOptions, upsample2d, upsample2dGrad } from "../../src/tensor/ops/upsample2d.js";
import { fraction } from "../../src/tensor/resizing.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { upsample2dGradReference, upsample2dReference } from "../reference/upsample2d.js";

const device = await testDevice();

/** A few f32 roundings an output; the longest gradient sum here has 97 x 61 terms, added up row by row. */
const tolerance = 3e-6;

const rules = [
  { mode: "nearest", alignCorners: false },
  { mode: "nearest-exact", alignCorners: false },
  { mode: "bilinear", alignCorners: false },
  { mode: "bilinear", alignCorners: true },
  { mode: "bilinear", antialias: true },
  { mode: "bicubic", alignCorners: false },
  { mode: "bicubic", alignCorners: true },
  { mode: "bicubic", antialias: true },
] as const;

const cases: { shape: [number, number, number, number]; size: [number, number] }[] = [
  { shape: [2, 3, 5, 7], size: [6, 10] },
  { shape: [2, 3, 5, 8], size: [7, 13] },
  { shape: [1, 7, 4, 4], size: [3, 9] },
  { shape: [3, 17, 11, 1], size: [5, 4] },
  { shape: [1, 23, 31, 3], size: [2, 1] },
  { shape: [2, 1, 1, 4], size: [97, 61] },
  { shape: [1, 1, 1, 1], size: [1, 1] },
  { shape: [1, 2, 2, 5], size: [97, 1] },
  { shape: [2, 6, 3, 4], size: [6, 3] },
  { shape: [0, 6, 3, 4], size: [3, 3] },
  { shape: [2, 6, 3, 0], size: [3, 3] },
];

describe.each(rules)("upsample2d %o", (rule) => {
  test.each(cases)("forward and gradient: $shape to $size", async ({ shape, size }) => {
    const x = randomTensor(device, shape, 3, [-1, 1], { requiresGrad: true });
    const y = upsample2d(x, { size, ...rule });
    expect(y.shape).toEqual([shape[0], ...size, shape[3]]);
    expectClose(await y.data(), upsample2dReference(await x.data(), shape, size, rule), tolerance);
    const gradOutput = randomTensor(device, y.shape, 4);
    const gradient = backward(y, { gradOutput }).of(x);
    const expected = upsample2dGradReference(await gradOutput.data(), shape, size, rule);
    expectClose(await gradient.data(), expected, tolerance, "gradient");
  });
  test("gradient and gradient of the gradient against differences", async () => {
    await gradcheck((x) => upsample2d(x, { size: [7, 4], ...rule }), [randomTensor(device, [2, 3, 5, 2], 1)]);
    await gradcheck((g) => upsample2dGrad(g, { size: [3, 5], ...rule }), [randomTensor(device, [2, 7, 4, 2], 2)]);
  });
});

describe("upsample2d", () => {
  test("bilinear copies an axis that keeps its size under a scale", async () => {
    const x = tensor(device, [1, 5, 2, 8, 4, 3], [1, 3, 2, 1], { requiresGrad: true });
    const y = upsample2d(x, { scale: [1.3, 2], mode: "bilinear" });
    // Rows as they are, columns at -1/4, 1/4, 3/4 and 5/4.
    expectClose(await y.data(), [1, 2, 4, 5, 2, 3.5, 6.5, 8, 4, 3.75, 3.25, 3], 1e-6);
    const ones = tensor(device, new Float32Array(12).fill(1), [1, 3, 4, 1]);
    expectClose(await backward(y, { gradOutput: ones }).of(x).data(), [2, 2, 2, 2, 2, 2], 1e-6);
  });
  test("scale gives the floor of the scaled sizes", async () => {
    const x = randomTensor(device, [1, 3, 5, 2], 1);
    expect(upsample2d(x, { scale: 2 }).shape).toEqual([1, 6, 10, 2]);
    expect(upsample2d(x, { scale: [1.5, 0.5], mode: "bilinear" }).shape).toEqual([1, 4, 2, 2]);
  });
  test.each(
    rules.flatMap((rule) =>
      [[1.5, 0.5] as const, [1.3, 2.7] as const, [Math.SQRT2, 0.37] as const, [3, 1] as const].map((scale) => ({
        rule,
        scale,
      })),
    ),
  )("positions follow the scale, not the sizes: $rule, $scale", async ({ rule, scale }) => {
    const shape = [2, 5, 11, 3];
    const x = randomTensor(device, shape, 1, [-1, 1], { requiresGrad: true });
    const size = [Math.floor(5 * scale[0]), Math.floor(11 * scale[1])] as const;
    const y = upsample2d(x, { scale, ...rule });
    expect(y.shape).toEqual([2, ...size, 3]);
    expectClose(await y.data(), upsample2dReference(await x.data(), shape, size, { ...rule, scale }), tolerance);
    const gradOutput = randomTensor(device, y.shape, 4);
    const expected = upsample2dGradReference(await gradOutput.data(), shape, size, { ...rule, scale });
    expectClose(await backward(y, { gradOutput }).of(x).data(), expected, tolerance, "gradient");
    const again = upsample2dGrad(gradOutput, { size: [5, 11], scale, ...rule });
    expectClose(await again.data(), expected, tolerance, "upsample2dGrad");
  });
  test("one number is both sizes", () => {
    expect(upsample2d(randomTensor(device, [1, 3, 5, 2], 1), { size: 4 }).shape).toEqual([1, 4, 4, 2]);
  });
  test.each([
    { value: 1.5, limits: [100, 100], expected: [3, 2] },
    { value: 0.1, limits: [100, 100], expected: [1, 10] },
    { value: 1.3, limits: [1e6, 1e6], expected: [13, 10] },
    { value: Math.PI, limits: [400, 400], expected: [355, 113] },
    { value: Math.PI, limits: [300, 400], expected: [22, 7] },
    { value: 7, limits: [10, 1], expected: [7, 1] },
    { value: 7.5, limits: [5, 5], expected: [7, 1] },
  ] as const)("the fraction for $value below $limits is $expected", ({ value, limits, expected }) => {
    expect(fraction(value, limits)).toEqual(expected);
  });
  test("nearest is exact in whole numbers where a float ratio is not", async () => {
    const x = tensor(
      device,
      Array.from({ length: 1001 }, (_, i) => i),
      [1, 1, 1001, 1],
    );
    const y = await upsample2d(x, { size: [1, 7007] }).data();
    expect([...y]).toEqual(Array.from({ length: 7007 }, (_, i) => Math.floor(i / 7)));
  });
  test("second derivative of a squared sum", async () => {
    // f = sum(up(x)^2) / 2, so the gradient is up^T up x and the Hessian times v is up^T up v.
    const x = randomTensor(device, [1, 3, 2, 1], 1, [-1, 1], { requiresGrad: true });
    const v = randomTensor(device, [1, 3, 2, 1], 2);
    const y = upsample2d(x, { scale: 3, mode: "bilinear" });
    const gradient = backward(sum(mul(y, y)), { createGraph: true }).of(x);
    const second = backward(sum(mul(gradient, v))).of(x);
    const rule = { mode: "bilinear" } as const;
    const up = upsample2dReference(await v.data(), x.shape, [9, 6], rule);
    const expected = upsample2dGradReference(up, x.shape, [9, 6], rule).map((value) => 2 * value);
    expectClose(await second.data(), expected, tolerance);
  });
  test("rejects what has no answer", () => {
    const x = randomTensor(device, [1, 3, 5, 2], 1);
    const rejects = (run: () => unknown, text: string) => expect(run).toThrow(text);
    rejects(
      () => upsample2d(tensor(device, [1, 2]), { scale: 2 }),
      "upsample2d: x must have 4 axes (NHWC), got 1\n  x [2]",
    );
    rejects(() => upsample2d(x, { scale: 0 }), "upsample2d: scale must be positive, got 0");
    rejects(() => upsample2d(x, { scale: [1, -2] }), "upsample2d: scale must be positive, got 1, -2");
    rejects(
      () => upsample2d(x, { scale: 0.25 }),
      "upsample2d: heights and widths must be at least 1, got 3 x 5 to 0 x 1\n  x NHWC [1, 3, 5, 2]",
    );
    rejects(() => upsample2d(x, { size: [2.5, 3] }), "upsample2d: size must be whole and at least 0, got [2.5, 3]");
    rejects(
      () => upsample2d(x, { scale: 2, alignCorners: true }),
      'upsample2d: alignCorners needs mode "bilinear" or "bicubic", got mode "nearest"',
    );
    rejects(
      () => upsample2d(x, { scale: 2, antialias: true, mode: "nearest-exact" }),
      'upsample2d: antialias needs mode "bilinear" or "bicubic", got mode "nearest-exact"',
    );
    rejects(
      () => upsample2d(x, { scale: 2, antialias: true, alignCorners: true, mode: "bicubic" }),
      "upsample2d: antialias has no alignCorners, got both",
    );
    rejects(
      () => upsample2d(x, {} as Upsample2dOptions),
      "upsample2d: either scale or size must be given, got neither",
    );
    rejects(
      () => upsample2d(x, { scale: 2, size: [6, 10] } as unknown as Upsample2dOptions),
      "upsample2d: either scale or size must be given, got both",
    );
    rejects(
      () => upsample2d(tensor(device, [1], [1, 1, 1, 1], { dtype: "i32" }), { scale: 2 }),
      "upsample2d: x must be f32, got i32",
    );
    rejects(
      () => upsample2d(x, { size: [2 ** 30, 1] }),
      "upsample2d: 2 x input size x output size of an axis must be below 2^31, got 3 and 1073741824",
    );
    rejects(
      () => upsample2dGrad(x, { size: [0, 3] } satisfies Upsample2dOptions),
      "upsample2dGrad: heights and widths must be at least 1, got 0 x 3 to 3 x 5",
    );
  });
});
