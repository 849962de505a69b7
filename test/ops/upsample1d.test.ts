import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { type Upsample1dOptions, upsample1d } from "../../src/tensor/ops/upsample1d.js";
import { full } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { upsample2dGradReference, upsample2dReference } from "../reference/upsample2d.js";

const device = await testDevice();

describe("upsample1d", () => {
  test.each<{ shape: [number, number, number]; options: Upsample1dOptions; length: number }>([
    { shape: [2, 5, 3], options: { scale: 2 }, length: 10 },
    { shape: [2, 5, 4], options: { size: 7, mode: "nearest-exact" }, length: 7 },
    { shape: [1, 7, 1], options: { scale: 1.5, mode: "linear" }, length: 10 },
    { shape: [2, 11, 3], options: { size: 4, mode: "linear", alignCorners: true }, length: 4 },
    { shape: [0, 3, 2], options: { size: 2, mode: "linear" }, length: 2 },
  ])("$shape $options", async ({ shape, options, length }) => {
    const [N, L, C] = shape;
    const rule = {
      mode: options.mode === "linear" ? ("bilinear" as const) : (options.mode ?? ("nearest" as const)),
      alignCorners: options.alignCorners ?? false,
      ...(options.scale === undefined ? {} : { scale: [1, options.scale] as const }),
    };
    const x = randomTensor(device, shape, 1, [-1, 1], { requiresGrad: true });
    const y = upsample1d(x, options);
    expect(y.shape).toEqual([N, length, C]);
    expectClose(await y.data(), upsample2dReference(await x.data(), [N, 1, L, C], [1, length], rule), 3e-6);
    const gradOutput = randomTensor(device, y.shape, 2);
    const expected = upsample2dGradReference(await gradOutput.data(), [N, 1, L, C], [1, length], rule);
    expectClose(await backward(y, { gradOutput }).of(x).data(), expected, 3e-6);
  });
  test("rejects what has no answer", () => {
    const x = full(device, [1, 3, 2], 0);
    const rejects = (options: Upsample1dOptions, text: string) =>
      expect(() => upsample1d(x, options)).toThrow(`upsample1d: ${text}`);
    rejects({ scale: 0.2 }, "heights and widths must be at least 1, got 1 x 3 to 1 x 0\n  x NLC [1, 3, 2]");
    rejects({ scale: -1 }, "scale must be positive, got 1, -1");
    rejects({ size: 1.5 }, "size must be whole and at least 0, got [1, 1.5]");
    rejects({} as Upsample1dOptions, "either scale or size must be given, got neither");
    expect(() => upsample1d(full(device, [3, 2], 0), { scale: 2 })).toThrow(
      "upsample1d: x must have 3 axes (NLC), got 2",
    );
  });
});
