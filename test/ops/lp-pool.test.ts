/** lpPool2d and lpPool1d. */
import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { lpPool1d, lpPool2d } from "../../src/tensor/ops/lp-pool.js";
import { full, tensor, zeros } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { lpPoolReference } from "../reference/lp-pool.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
/** A power, a sum and a root. */
const tolerance = 2e-6;

describe("lpPool", () => {
  test.each([
    { shape: [2, 5, 7, 3], kernel: [2, 3], stride: [1, 2], padding: [0, 0], p: 2 },
    { shape: [1, 6, 5, 4], kernel: [3, 2], stride: [3, 1], padding: [1, 1], p: 3 },
    { shape: [2, 4, 4, 1], kernel: [4, 4], stride: [1, 1], padding: [2, 0], p: 1 },
    { shape: [1, 7, 3, 2], kernel: [2, 2], stride: [2, 2], padding: [0, 1], p: 0.5 },
  ] as const)("forward: $shape, kernel $kernel, p $p", async ({ shape, p, ...window }) => {
    using _scope = device.scope();
    const { kernel, stride, padding } = window;
    const x = randomTensor(device, shape, 1);
    const y = lpPool2d(x, { kernelSize: kernel, stride, padding, p });
    expectClose(await y.data(), lpPoolReference(await x.data(), shape, { ...window, p }), tolerance);
    const [, H, W, C] = shape;
    const line = randomTensor(device, [H, W, C], 2);
    const one = lpPool1d(line, { kernelSize: kernel[1], stride: stride[1], padding: padding[1], p });
    const options = { kernel: [1, kernel[1]], stride: [1, stride[1]], padding: [0, padding[1]], p } as const;
    expectClose(await one.data(), lpPoolReference(await line.data(), [H, 1, W, C], options), tolerance);
  });
  test("gradients, first and second; 0 for a window of zeros", async () => {
    const x = randomTensor(device, [1, 4, 4, 2], 1, [0.5, 1.5]);
    for (const p of [1, 2, 3]) {
      await gradcheck((t) => lpPool2d(t!, { kernelSize: 2, stride: 1, p }), [x]);
      await checkSecondGradient((t) => lpPool2d(t!, { kernelSize: 2, stride: 1, p }), [x]);
    }
    const flat = tensor(device, [0, 0, 3, 4], [1, 4, 1], { requiresGrad: true });
    const y = lpPool1d(flat, { kernelSize: 2 });
    expectClose(await y.data(), [0, 5], 1e-6);
    const gradient = backward(y, { gradOutput: full(device, y.shape, 1) }).of(flat);
    expectClose(await gradient.data(), [0, 0, 0.6, 0.8], 1e-6);
  });
  test("rejects", () => {
    const x = zeros(device, [1, 3, 3, 1]);
    expect(() => lpPool2d(x, { kernelSize: 2, p: 0 })).toThrow("lpPool2d: p must be a finite number above 0, got 0");
    expect(() => lpPool1d(zeros(device, [1, 3, 1]), { kernelSize: 2, p: Number.POSITIVE_INFINITY })).toThrow(
      "lpPool1d: p must be a finite number above 0, got Infinity",
    );
    expect(() => lpPool2d(x, {} as never)).toThrow("lpPool2d: kernelSize must be");
    expect(() => lpPool2d(x, { kernelSize: 4 })).toThrow(
      "the kernel must fit into the padded input, got 4 x 4 for 3 x 3",
    );
    expect(() => lpPool2d(zeros(device, [1, 3, 3, 1], { dtype: "i32" }), { kernelSize: 2 })).toThrow(
      "lpPool2d: x must be f32, got i32",
    );
  });
});
