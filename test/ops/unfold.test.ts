/** unfold and fold. */
import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { conv2d } from "../../src/tensor/ops/conv2d.js";
import { matmul } from "../../src/tensor/ops/matmul.js";
import { reshape } from "../../src/tensor/ops/reshape.js";
import { fold, unfold } from "../../src/tensor/ops/unfold.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { withBindingLimit } from "../gemm.js";
import { foldReference, type UnfoldCase, unfoldPlaces } from "../reference/unfold.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
/** Sums of at most KH KW terms. */
const tolerance = 1e-6;

const one = [1, 1] as const;
const cases: UnfoldCase[] = [
  { shape: [2, 5, 7, 3], kernel: [3, 2], stride: one, padding: [0, 0], dilation: one },
  { shape: [2, 7, 5, 4], kernel: [2, 3], stride: [2, 1], padding: [1, 2], dilation: one },
  { shape: [1, 11, 13, 1], kernel: [3, 3], stride: [3, 2], padding: [2, 0], dilation: [2, 3] },
  { shape: [3, 4, 4, 8], kernel: [2, 2], stride: [3, 3], padding: [0, 1], dilation: one },
  { shape: [1, 1, 1, 1], kernel: one, stride: one, padding: [0, 0], dilation: one },
  { shape: [0, 4, 3, 2], kernel: [2, 2], stride: one, padding: [0, 0], dilation: one },
  { shape: [2, 3, 2, 5], kernel: [5, 6], stride: one, padding: [1, 2], dilation: one },
];
const optionsOf = ({ kernel, stride, padding, dilation }: UnfoldCase) => ({
  kernelSize: kernel,
  stride,
  padding,
  dilation,
});

describe("unfold", () => {
  test.each(cases)("forward, gradient and their transpose: $shape, kernel $kernel", async (row) => {
    using _scope = device.scope();
    const [N, H, W] = row.shape;
    const places = unfoldPlaces(row);
    const x = randomTensor(device, row.shape, 1, [-1, 1], { requiresGrad: true });
    const y = unfold(x, optionsOf(row));
    const values = await x.data();
    expect(Array.from(await y.data())).toEqual(places.map((place) => (place < 0 ? 0 : values[place]!)));
    expect(y.shape[2]).toBe(row.kernel[0] * row.kernel[1] * row.shape[3]);
    const gradOutput = randomTensor(device, y.shape, 2, [-1, 1], { requiresGrad: true });
    const expected = foldReference(places, await gradOutput.data(), x.size);
    expectClose(await backward(y, { gradOutput }).of(x).data(), expected, tolerance);
    if (N === 0) return;
    const image = fold(gradOutput, { ...optionsOf(row), size: [H, W] });
    expect(image.shape).toEqual(row.shape);
    expectClose(await image.data(), expected, tolerance);
    expect(await backward(image, { gradOutput: x }).of(gradOutput).data()).toEqual(await y.data());
  });
  test("gradients, first and second", async () => {
    const options = { kernelSize: [2, 3], stride: [1, 2], padding: 1, dilation: [2, 1] } as const;
    await gradcheck((x) => unfold(x!, options), [randomTensor(device, [2, 3, 4, 2], 1)]);
    await checkSecondGradient((x) => unfold(x!, options), [randomTensor(device, [1, 3, 4, 2], 1)]);
    await checkSecondGradient((x) => fold(x!, { kernelSize: 2, size: [2, 3] }), [randomTensor(device, [1, 2, 8], 1)]);
  });
  test("times a filter it is conv2d; padding same", async () => {
    const [x, weight] = [randomTensor(device, [2, 5, 6, 3], 1), randomTensor(device, [3, 2, 3, 4], 2)];
    const options = { padding: "same", stride: 2 } as const;
    const product = matmul(unfold(x, { kernelSize: [3, 2], ...options }), reshape(weight, { shape: [18, 4] }));
    const expected = conv2d(x, weight, null, options);
    expectClose(await product.data(), await expected.data(), tolerance);
  });
  test("in windows, and what does not fit", async () => {
    using _scope = device.scope();
    const x = randomTensor(device, [70, 4, 4, 4], 1, [-1, 1], { requiresGrad: true });
    const run = async () => {
      const y = unfold(x, { kernelSize: 3, padding: 1 });
      return [await y.data(), await backward(y, { gradOutput: y.detach() }).of(x).data()];
    };
    const expected = await run();
    await withBindingLimit(device, 16_384, async () => expect(await run()).toEqual(expected));
    await withBindingLimit(device, 16_384, () => {
      expect(() => unfold(randomTensor(device, [1, 64, 64, 1], 1), { kernelSize: 3 })).toThrow(
        "unfold: 16 images need a binding of 2214144 bytes, but this adapter allows 16384",
      );
    });
  });
  test("rejects", () => {
    const x = randomTensor(device, [1, 4, 5, 2], 1);
    expect(() => unfold(x, { kernelSize: 5 })).toThrow(
      "unfold: the dilated kernel must fit the padded input, got 5 x 5 in 4 x 5\n  x [1, 4, 5, 2]",
    );
    expect(() => unfold(x, { kernelSize: 0 })).toThrow("unfold: kernelSize must be whole and at least 1, got 0");
    expect(() => unfold(reshape(x, { shape: [4, 10] }), { kernelSize: 2 })).toThrow("unfold: x must have 4 axes");
    const rows = randomTensor(device, [1, 12, 8], 1);
    expect(() => fold(rows, { kernelSize: 2, size: [4, 4] })).toThrow(
      "fold: an image of 4 x 4 has 3 x 3 = 9 windows, got 12 rows\n  x [1, 12, 8]",
    );
    expect(() => fold(rows, { kernelSize: 3, size: 4 })).toThrow(
      "fold: rows must be a multiple of the kernel, got 8 for 3 x 3\n  x [1, 12, 8]",
    );
  });
});
