/** What a program gets wrong about lifetimes and devices: each a clear error, before anything is changed. */
import { afterAll, describe, expect, test } from "vitest";
import { DeviceError, DisposedError, GradError } from "../../src/kernels/errors.js";
import { Adam } from "../../src/nn/adam.js";
import { crossEntropy } from "../../src/nn/cross-entropy.js";
import { Linear } from "../../src/nn/linear.js";
import { mse } from "../../src/nn/losses.js";
import { Sgd } from "../../src/nn/sgd.js";
import { backward } from "../../src/tensor/backward.js";
import { avgPool2d } from "../../src/tensor/ops/avg-pool2d.js";
import { batchNorm2d } from "../../src/tensor/ops/batch-norm2d.js";
import { concat } from "../../src/tensor/ops/concat.js";
import { conv2d } from "../../src/tensor/ops/conv2d.js";
import { add, mul, square, where } from "../../src/tensor/ops/elementwise.js";
import { gather } from "../../src/tensor/ops/gather.js";
import { linear } from "../../src/tensor/ops/linear.js";
import { matmul } from "../../src/tensor/ops/matmul.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { createRng } from "../../src/tensor/random.js";
import { ones, type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { testDevice } from "../device.js";
import { openAnother } from "../steady.js";

const device = await testDevice();
const other = await openAnother();
afterAll(() => other.destroy());

const gone = (shape: readonly number[]) => {
  const x = ones(device, shape);
  x.dispose();
  return x;
};

/** One op of each family, as a function of the tensor that is wrong. */
const families: readonly [string, readonly number[], (wrong: Tensor) => unknown][] = [
  ["elementwise, two", [2, 2], (t) => add(ones(device, [2, 2]), t)],
  ["elementwise, three", [2, 2], (t) => where(ones(device, [2, 2], { dtype: "bool" }), ones(device, [2, 2]), t)],
  ["matmul", [2, 2], (t) => matmul(ones(device, [2, 2]), t)],
  ["linear", [2, 2], (t) => linear(ones(device, [3, 2]), t, null)],
  ["conv2d", [3, 3, 1, 2], (t) => conv2d(ones(device, [1, 4, 4, 1]), t, null)],
  ["concat", [2, 2], (t) => concat([ones(device, [2, 2]), t], { axis: 0 })],
  ["gather", [2, 2], (t) => gather(t, zeros(device, [2, 2], { dtype: "i32" }), { axis: 0 })],
  ["loss", [2, 2], (t) => mse(ones(device, [2, 2]), t)],
  ["cross entropy", [2, 2], (t) => crossEntropy(ones(device, [2, 2]), t)],
  ["batch norm", [2], (t) => batchNorm2d(ones(device, [3, 4, 4, 2]), t, ones(device, [2]), { mode: "train" })],
];

describe("two devices in one call", () => {
  test.each(families)("%s", (_family, shape, run) => {
    using _scope = device.scope();
    using _other = other.scope();
    expect(() => run(ones(other, shape))).toThrow(/lives? on another device/);
  });
  test("backward's gradOutput, an optimizer's gradient and parameters", () => {
    using _scope = device.scope();
    using _other = other.scope();
    const x = ones(device, [2], { requiresGrad: true });
    const foreign = ones(other, [2]);
    expect(() => backward(square(x), { gradOutput: foreign })).toThrow(
      "backward: gradOutput lives on another device than the output",
    );
    const optimizer = new Sgd([x], { lr: 1 });
    expect(() => optimizer.step(new Map([[x, foreign]]))).toThrow(
      new DeviceError("Sgd: the gradient of parameter 0 lives on another device than the parameters"),
    );
    expect(() => new Sgd([x, foreign], { lr: 1 })).toThrow(DeviceError);
    optimizer.dispose();
  });
});

describe("use after it was freed", () => {
  test.each([...families, ["pooling", [1, 4, 4, 2], (t: Tensor) => avgPool2d(t, { kernelSize: 2 })] as const])(
    "an input: %s",
    (_family, shape, run) => {
      using _scope = device.scope();
      expect(() => run(gone(shape))).toThrow(DisposedError);
      expect(() => run(gone(shape))).toThrow("was used after it was freed; keep it with scope.keep(tensor)");
    },
  );
  test("a tensor from a closed scope", async () => {
    let inner: Tensor;
    {
      using _scope = device.scope();
      inner = square(tensor(device, [1, 2, 3]));
    }
    for (const use of [() => square(inner), () => inner.write([1, 2, 3]), () => inner.view([3]), () => inner.detach()])
      expect(use).toThrow(
        new DisposedError(
          "tensor [3] was used after it was freed; keep it with scope.keep(tensor) if it must outlive its scope",
        ),
      );
    await expect(inner.data()).rejects.toThrow(DisposedError);
  });
  test("a saved value, an intermediate result, the output and gradOutput of backward", () => {
    using _scope = device.scope();
    const x = ones(device, [2], { requiresGrad: true });
    const factor = ones(device, [2]);
    const loss = sum(mul(x, factor));
    factor.dispose();
    expect(() => backward(loss)).toThrow(GradError);
    expect(() => backward(loss)).toThrow("was freed before backward");
    const middle = square(x);
    const total = sum(middle);
    middle.dispose();
    expect(() => backward(total)).toThrow("backward: the result of square, [2], was freed before backward");
    const output = square(x);
    expect(() => backward(output, { gradOutput: gone([2]) })).toThrow(DisposedError);
    output.dispose();
    expect(() => backward(output, { gradOutput: factor })).toThrow(DisposedError);
  });
  test("an optimizer's gradient, parameter and own state: nothing is changed", async () => {
    using _scope = device.scope();
    const [x, y] = [tensor(device, [1, 2]), tensor(device, [3])];
    const optimizer = new Adam([x, y], { lr: 1 });
    const gradient = ones(device, [2]);
    expect(() =>
      optimizer.step(
        new Map([
          [x, gradient],
          [y, gone([1])],
        ]),
      ),
    ).toThrow(DisposedError);
    y.dispose();
    expect(() =>
      optimizer.step(
        new Map([
          [x, gradient],
          [y, ones(device, [1])],
        ]),
      ),
    ).toThrow(DisposedError);
    expect([...(await x.data())]).toEqual([1, 2]);
    optimizer.dispose();
    expect(() => optimizer.step(new Map([[x, gradient]]))).toThrow(DisposedError);
    expect([...(await x.data())]).toEqual([1, 2]);
  });
  test("a module's forward", () => {
    using _scope = device.scope();
    const rng = createRng(device, 1);
    const layer = new Linear(rng, { inFeatures: 2, outFeatures: 3 });
    layer.dispose();
    expect(() => layer.forward(ones(device, [1, 2]))).toThrow(DisposedError);
    rng.dispose();
    expect(() => rng.uniform([2])).toThrow(DisposedError);
  });
});

describe("one graph", () => {
  test("backward twice gives the same gradients, and again after other work", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, -2, 3], [3], { requiresGrad: true });
    const loss = sum(mul(square(x), x));
    const gradients = [backward(loss), backward(loss)];
    await square(ones(device, [3])).data();
    gradients.push(backward(loss));
    for (const gradient of gradients) expect([...(await gradient.of(x).data())]).toEqual([3, 12, 27]);
  });
  test("changed in place since: by write, fill and an optimizer's step", () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2], [2], { requiresGrad: true });
    const optimizer = new Sgd([x], { lr: 1 });
    const changes = [() => x.write([3, 4]), () => x.fill(2), () => optimizer.step(new Map([[x, ones(device, [2])]]))];
    for (const change of changes) {
      const loss = sum(square(x));
      change();
      expect(() => backward(loss)).toThrow(
        new GradError(
          "backward: an input of square, [2], was changed in place after square ran; run the forward pass again",
        ),
      );
    }
    optimizer.dispose();
  });
  test("an output that is no scalar, and one that depends on nothing", () => {
    using _scope = device.scope();
    expect(() => backward(square(ones(device, [2], { requiresGrad: true })))).toThrow(
      new GradError("backward: the output must be a scalar, got [2]; reduce it, or give gradOutput"),
    );
    expect(() => backward(ones(device, []))).toThrow(
      new GradError("backward: the output depends on no tensor with requiresGrad"),
    );
  });
});
