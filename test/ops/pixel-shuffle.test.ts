import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { pixelShuffle, pixelUnshuffle } from "../../src/tensor/ops/pixel-shuffle.js";
import { full } from "../../src/tensor/tensor.js";
import { randomTensor, testDevice } from "../device.js";

const device = await testDevice();

const cases = [
  { small: [2, 3, 5, 12], factor: 2 },
  { small: [1, 2, 3, 9], factor: 3 },
  { small: [2, 1, 1, 4], factor: 1 },
  { small: [0, 2, 3, 8], factor: 2 },
];

describe("pixelShuffle", () => {
  test.each(cases)("$small by $factor, and back", async ({ small, factor: f }) => {
    const [N, H, W, channels] = small as [number, number, number, number];
    const C = channels / f ** 2;
    const x = randomTensor(device, small, 1, [-1, 1], { requiresGrad: true });
    const y = pixelShuffle(x, { factor: f });
    expect(y.shape).toEqual([N, H * f, W * f, C]);
    const values = await x.data();
    const expected: number[] = [];
    for (let n = 0; n < N; n++)
      for (let p = 0; p < H * f; p++)
        for (let q = 0; q < W * f; q++)
          for (let c = 0; c < C; c++) {
            const pixel = (n * H + Math.floor(p / f)) * W + Math.floor(q / f);
            expected.push(values[pixel * channels + (c * f + (p % f)) * f + (q % f)]!);
          }
    expect([...(await y.data())]).toEqual(expected);
    expect(await pixelUnshuffle(y, { factor: f }).data()).toEqual(values);
    const gradOutput = randomTensor(device, y.shape, 2);
    const gradient = backward(y, { gradOutput }).of(x);
    expect(await gradient.data()).toEqual(await pixelUnshuffle(gradOutput, { factor: f }).data());
  });
  test("gradient against differences", async () => {
    await gradcheck((x) => pixelShuffle(x!, { factor: 2 }), [randomTensor(device, [1, 2, 3, 8], 1)]);
    await gradcheck((x) => pixelUnshuffle(x!, { factor: 2 }), [randomTensor(device, [1, 4, 2, 3], 1)]);
  });
  test("rejects what does not divide", () => {
    const x = full(device, [1, 4, 6, 6], 0);
    const rejects = (run: () => unknown, text: string) => expect(run).toThrow(text);
    rejects(
      () => pixelShuffle(x, { factor: 2 }),
      "pixelShuffle: factor^2 must divide the channels, got 2^2 and 6\n  x NHWC [1, 4, 6, 6]",
    );
    rejects(
      () => pixelUnshuffle(x, { factor: 3 }),
      "pixelUnshuffle: factor must divide height and width, got 3 for 4 x 6\n  x NHWC [1, 4, 6, 6]",
    );
    for (const [name, f] of Object.entries({ pixelShuffle, pixelUnshuffle })) {
      rejects(() => f(x, { factor: 1.5 }), `${name}: factor must be whole and at least 1, got 1.5`);
      rejects(() => f(full(device, [2, 3], 0), { factor: 1 }), `${name}: x must have 4 axes (NHWC), got 2`);
    }
  });
});
