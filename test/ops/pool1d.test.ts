import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import {
  adaptiveAvgPool1d,
  adaptiveMaxPool1d,
  avgPool1d,
  type MaxPool1dOptions,
  maxPool1d,
} from "../../src/tensor/ops/pool1d.js";
import { full, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice, uniform } from "../device.js";
import { checkSecond, windowOf } from "../pool.js";
import { avgPoolReference } from "../reference/avg-pool2d.js";
import { maxPoolReference } from "../reference/max-pool2d.js";
import type { AdaptiveWindow, Window } from "../reference/pool-window.js";

const device = await testDevice();

const cases: { shape: [number, number, number]; options: MaxPool1dOptions }[] = [
  { shape: [2, 9, 3], options: { kernelSize: 2 } },
  { shape: [2, 11, 4], options: { kernelSize: 5, stride: 3, padding: 2, ceilMode: true } },
  { shape: [1, 8, 1], options: { kernelSize: 3, stride: 2, padding: "same" } },
  { shape: [1, 8, 5], options: { kernelSize: 3, stride: 1, padding: [0, 1] } },
  { shape: [3, 1, 2], options: { kernelSize: 1 } },
  { shape: [0, 6, 4], options: { kernelSize: 2 } },
];

const window2d = ({ kernelSize, stride = kernelSize, padding = 0, ceilMode = false }: MaxPool1dOptions, L: number) =>
  windowOf(
    {
      kernelSize: [1, kernelSize],
      stride: [1, stride],
      padding:
        typeof padding === "string" ? padding : [[0, 0], typeof padding === "number" ? [padding, padding] : padding],
      ceilMode,
    },
    [1, 1, L],
  );

async function check(
  pool: (x: Tensor) => Tensor,
  shape: readonly [number, number, number],
  window: Window | AdaptiveWindow,
  kind: "max" | "avg",
): Promise<void> {
  const [N, L, C] = shape;
  const x = randomTensor(device, shape, 3, [-2, -1], { requiresGrad: true });
  const y = pool(x);
  const gradOutput = randomTensor(device, y.shape, 4);
  const g = await gradOutput.data();
  const plane = [N, 1, L, C];
  const padded = kind === "avg" ? avgPoolReference(await x.data(), plane, window, true, () => g) : null;
  const winners = maxPoolReference(await x.data(), plane, window);
  expect(y.shape).toEqual([N, winners.shape[2], C]);
  expectClose(await y.data(), padded?.values ?? winners.values, 1e-6);
  const gradient = new Float64Array(x.size);
  winners.winners.forEach((from, to) => {
    gradient[from]! += g[to]!;
  });
  expectClose(await backward(y, { gradOutput }).of(x).data(), padded?.gradient ?? gradient, 1e-6);
}

describe("1-D pooling", () => {
  test.each(cases)("maxPool1d: $shape $options", async ({ shape, options }) => {
    await check((x) => maxPool1d(x, options), shape, window2d(options, shape[1]), "max");
  });
  test.each(cases)("avgPool1d: $shape $options", async ({ shape, options }) => {
    await check((x) => avgPool1d(x, { ...options, countIncludePad: true }), shape, window2d(options, shape[1]), "avg");
  });
  test.each([1, 3, 7, 13])("adaptive to %i", async (size) => {
    await check((x) => adaptiveMaxPool1d(x, { size }), [2, 7, 3], { size: [1, size] }, "max");
    await check((x) => adaptiveAvgPool1d(x, { size }), [2, 7, 3], { size: [1, size] }, "avg");
  });
  test("dilation", async () => {
    const x = tensor(device, [5, 1, 2, 9, 0], [1, 5, 1]);
    expect([...(await maxPool1d(x, { kernelSize: 2, stride: 1, dilation: 2 }).data())]).toEqual([5, 9, 2]);
  });
  test("gradients, and gradients of the gradients", async () => {
    const order = uniform(42, 5).map((_, i) => ((i * 31) % 42) * 0.2);
    const x = tensor(device, order, [2, 7, 3], { requiresGrad: true });
    const pools = [
      (t: Tensor) => maxPool1d(t, { kernelSize: 3, stride: 2 }),
      (t: Tensor) => avgPool1d(t, { kernelSize: 3, stride: 2, padding: 1 }),
      (t: Tensor) => adaptiveAvgPool1d(t, { size: 3 }),
      (t: Tensor) => adaptiveMaxPool1d(t, { size: 3 }),
    ];
    for (const pool of pools) {
      await gradcheck((t) => pool(t!), [x]);
      await checkSecond(x, pool);
    }
  });
  test("rejects what does not fit", () => {
    const rejects = (run: () => unknown, text: string) => expect(run).toThrow(text);
    const x = full(device, [1, 4, 2], 0);
    for (const [name, pool] of Object.entries({ maxPool1d, avgPool1d })) {
      rejects(
        () => pool(full(device, [1, 1, 4, 2], 0), { kernelSize: 2 }),
        `${name}: x must have 3 axes (NLC), got 4\n  x [1, 1, 4, 2]`,
      );
      rejects(
        () => pool(x, { kernelSize: 5 }),
        `${name}: the kernel must fit into the padded input, got 1 x 5 for 1 x 4\n  x NLC [1, 4, 2]`,
      );
    }
    for (const [name, pool] of Object.entries({ adaptiveMaxPool1d, adaptiveAvgPool1d }))
      rejects(() => pool(x, { size: 0 }), `${name}: size must be whole and at least 1, got [1, 0]`);
    rejects(
      () => maxPool1d(full(device, [1, 4, 2], 0, { dtype: "i32" }), { kernelSize: 2 }),
      "maxPool1d: x must be f32, got i32",
    );
  });
});
