import { describe, expect, test } from "vitest";
import { DisposedError } from "../../src/kernels/errors.js";
import { backward } from "../../src/tensor/backward.js";
import { add, mul, square } from "../../src/tensor/ops/elementwise.js";
import { reshape } from "../../src/tensor/ops/reshape.js";
import { slice } from "../../src/tensor/ops/slice.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { constant, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { collectLeftovers, randomTensor, testDevice } from "../device.js";

const device = await testDevice();

describe("scopes", () => {
  test("free at their end what was created in them", () => {
    const before = device.memory();
    let inner: Tensor;
    {
      using _scope = device.scope();
      inner = square(tensor(device, [1, 2]));
      expect(inner.disposed).toBe(false);
    }
    expect(inner.disposed).toBe(true);
    expect(device.memory().tensors).toBe(before.tensors);
    expect(device.memory().bytes).toBe(before.bytes);
  });
  test("a tensor used after its scope says what to do", async () => {
    let inner: Tensor;
    {
      using _scope = device.scope();
      inner = tensor(device, [1, 2], [1, 2]);
    }
    const text =
      "tensor [1, 2] was used after it was freed; keep it with scope.keep(tensor) if it must outlive its scope";
    expect(() => square(inner)).toThrow(new DisposedError(text));
    expect(() => inner.write([1, 2])).toThrow(text);
    expect(() => inner.detach()).toThrow(text);
    await expect(inner.data()).rejects.toThrow(text);
  });
  test("what is kept goes to the scope around it", async () => {
    using outer = device.scope();
    let kept: Tensor;
    let also: Tensor;
    {
      using scope = device.scope();
      kept = tensor(device, [3]);
      also = square(kept);
      expect(scope.keep(kept, also)).toBe(kept);
    }
    expect(await also.item()).toBe(9);
    expect(outer.owns(kept) && outer.owns(also)).toBe(true);
  });
  test("what the outermost scope keeps belongs to the caller", async () => {
    let kept: Tensor;
    {
      using scope = device.scope();
      kept = scope.keep(tensor(device, [3]));
    }
    expect(await kept.item()).toBe(3);
    kept.dispose();
    expect(kept.disposed).toBe(true);
  });
  test("nest", () => {
    using _outer = device.scope();
    const first = tensor(device, [1]);
    let second: Tensor;
    {
      using _inner = device.scope();
      second = tensor(device, [2]);
    }
    const third = tensor(device, [3]);
    expect([first, second, third].map((t) => t.disposed)).toEqual([false, true, false]);
  });
  test("end when their block throws", () => {
    let inner: Tensor | null = null;
    const before = device.memory().tensors;
    expect(() => {
      using _scope = device.scope();
      inner = tensor(device, [1]);
      add(inner, tensor(device, [1, 2], [2, 1, 1, 1, 1, 1, 1, 1, 1]));
    }).toThrow("at most 8 axes");
    expect(inner!.disposed).toBe(true);
    expect(device.memory().tensors).toBe(before);
  });
  test("last across awaits", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2]);
    await x.data();
    expect(await square(x).data()).toEqual(Float32Array.of(1, 4));
  });
  test("unscoped creations and constants outlive them", async () => {
    let parameter: Tensor;
    let two: Tensor;
    {
      using _scope = device.scope();
      parameter = device.unscoped(() => tensor(device, [5]));
      two = constant(device, 2.25);
    }
    expect(await mul(parameter, two).item()).toBe(11.25);
    parameter.dispose();
  });
  test("a view keeps the memory of what it looks at", async () => {
    using outer = device.scope();
    let view: Tensor;
    {
      using scope = device.scope();
      view = scope.keep(reshape(square(tensor(device, [1, 2, 3, 4])), { shape: [2, 2] }));
      // Would take the freed memory, were it free.
    }
    tensor(device, [9, 9, 9, 9]);
    expect(await view.data()).toEqual(Float32Array.of(1, 4, 9, 16));
    expect(outer.owns(view)).toBe(true);
  });
  test("dispose twice does nothing", () => {
    const before = device.memory();
    const x = tensor(device, [1]);
    const y = x.detach();
    x.dispose();
    x.dispose();
    expect(device.memory().buffers).toBe(before.buffers + 1);
    y.dispose();
    expect(device.memory()).toMatchObject({ tensors: before.tensors, buffers: before.buffers, bytes: before.bytes });
  });
});

describe("memory", () => {
  test("gradients are the only thing that backward leaves", () => {
    using _scope = device.scope();
    const x = randomTensor(device, [7, 3], 1, [-1, 1], { requiresGrad: true });
    const lossOf = () => sum(mul(square(x), slice(add(x, square(x)), { start: [0] })));
    // The first backward also makes the constants of its formulas, which live as long as the device.
    backward(lossOf());
    const loss = lossOf();
    const before = device.memory();
    const gradients = backward(loss);
    expect(gradients.size).toBe(1);
    expect(device.memory().tensors).toBe(before.tensors + 1);
    expect(device.memory().buffers).toBe(before.buffers + 1);
  });
  test("is flat over 200 steps of forward and backward", async () => {
    using _outer = device.scope();
    const weight = randomTensor(device, [5, 3], 1, [-1, 1], { requiresGrad: true });
    const step = async (read: boolean) => {
      using _scope = device.scope();
      const x = randomTensor(device, [5, 3], 2);
      const first = backward(sum(mul(square(weight), x)), { createGraph: true }).of(weight);
      const loss = sum(square(sum(add(first, weight), { axes: 0 })));
      const gradient = backward(loss).of(weight);
      if (read) await gradient.data();
    };
    await step(true);
    await step(true);
    await collectLeftovers();
    const before = device.memory();
    for (let i = 0; i < 200; i++) await step(i % 50 === 0);
    expect(device.memory()).toEqual(before);
  });
  test("counts tensors, buffers, bytes in use and pooled, and the peak", () => {
    const before = device.memory();
    const x = tensor(device, new Float32Array(1000));
    expect(device.memory()).toMatchObject({
      tensors: before.tensors + 1,
      buffers: before.buffers + 1,
      bytes: before.bytes + 4096,
    });
    x.dispose();
    expect(device.memory().bytes).toBe(before.bytes);
    expect(device.memory().pooledBytes).toBeGreaterThanOrEqual(4096);
    expect(device.memory().peakBytes).toBeGreaterThanOrEqual(before.bytes + 4096);
    device.trim();
    expect(device.memory().pooledBytes).toBe(0);
  });
  test("freed memory is used again, and never while recorded commands still need it", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2, 3]);
    const y = square(x);
    x.dispose();
    // Takes the buffer of x, which the recorded square has still to read.
    const z = tensor(device, [7, 8, 9]);
    expect(await y.data()).toEqual(Float32Array.of(1, 4, 9));
    expect(await z.data()).toEqual(Float32Array.of(7, 8, 9));
  });
});
