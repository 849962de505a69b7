/** Devices of the application's own, and what goes wrong late: errors of the GPU, no memory, and the loss of the device. */
import { afterAll, describe, expect, test } from "vitest";
import { create, globals } from "webgpu";
import type { Device } from "../../src/kernels/device.js";
import { DeviceError, DisposedError } from "../../src/kernels/errors.js";
import { sources } from "../../src/kernels/generated.js";
import { Health } from "../../src/kernels/health.js";
import type { KernelSource } from "../../src/kernels/kernel.js";
import { openDevice } from "../../src/kernels/open-device.js";
import { BufferPool } from "../../src/kernels/storage.js";
import { Adam } from "../../src/nn/adam.js";
import { BatchNorm2d } from "../../src/nn/batch-norm2d.js";
import { Conv2d } from "../../src/nn/conv2d.js";
import { Dropout } from "../../src/nn/dropout.js";
import { Linear } from "../../src/nn/linear.js";
import { mse } from "../../src/nn/losses.js";
import { LrScheduler } from "../../src/nn/lr-scheduler.js";
import { Module } from "../../src/nn/module.js";
import { cosine } from "../../src/nn/schedules.js";
import { restore, type Snapshot, snapshot } from "../../src/nn/snapshot.js";
import { readState } from "../../src/nn/state.js";
import { backward } from "../../src/tensor/backward.js";
import { capture } from "../../src/tensor/capture.js";
import { tensorFromBuffer } from "../../src/tensor/host-buffer.js";
import { add, relu, square } from "../../src/tensor/ops/elementwise.js";
import { reshape } from "../../src/tensor/ops/reshape.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { createRng, type Rng } from "../../src/tensor/random.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { testDevice, uniform } from "../device.js";

// Opened first: it puts the driver's settings in place.
const device = await testDevice();
Object.assign(globalThis, globals);
const gpu = create([]);
// Kept until the process ends: see src/kernels/node/dawn.ts.
Object.assign(globalThis, { voxpixKeptErrorsInstance: gpu });
afterAll(() => {
  // Named here, so that Dawn's instance lives until now.
  void gpu;
});

/** A device as an application makes it; one with all that `openDevice` asks for computes the same bits. */
async function hostDevice(all = false): Promise<GPUDevice> {
  const adapter = (await gpu.requestAdapter())!;
  if (!all) return adapter.requestDevice();
  const wanted: GPUFeatureName[] = ["timestamp-query", "subgroups", "shader-f16"];
  const requiredFeatures = wanted.filter((name) => adapter.features.has(name));
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  return adapter.requestDevice({ requiredFeatures, requiredLimits: { maxStorageBufferBindingSize, maxBufferSize } });
}
const storageUsage = () => GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

describe("a device that the application made", () => {
  test("works, is described, and outlives ours", async () => {
    const raw = await hostDevice();
    const shared = await openDevice({ gpuDevice: raw });
    expect(shared.adapter.name).toBe(device.adapter.name);
    expect(shared.adapter.maxBufferBytes).toBe(raw.limits.maxBufferSize);
    expect(shared.adapter.features).not.toContain("timestamp-query");
    const x = tensor(shared, [1, 2, 3]);
    expect(await sum(square(x)).item()).toBe(14);
    shared.destroy();
    await expect(x.data()).rejects.toThrow(new DisposedError("read: the device was destroyed"));
    expect(() => square(x)).toThrow(DisposedError);
    expect(await shared.lost).toBe("the device was destroyed");
    // Opened anew on the same device: it was not destroyed.
    const again = await openDevice({ gpuDevice: raw });
    expect(await sum(square(tensor(again, [3, 4]))).item()).toBe(25);
    again.destroy();
    raw.destroy();
  });
  test("its buffers are tensors without a copy, both ways, at an offset too", async () => {
    const raw = await hostDevice();
    const shared = await openDevice({ gpuDevice: raw });
    const buffer = raw.createBuffer({ size: 1024, usage: storageUsage() });
    raw.queue.writeBuffer(buffer, 0, Float32Array.of(1, 2, 3));
    raw.queue.writeBuffer(buffer, 512, Float32Array.of(10, 20, 30));
    const [low, high] = [0, 512].map((offset) => tensorFromBuffer(shared, buffer, [3], { offset })) as [Tensor, Tensor];
    const { bytes } = shared.memory();
    expect([...(await add(low, high).data())]).toEqual([11, 22, 33]);
    high.write([5, 6, 7]);
    expect([...(await square(high).data())]).toEqual([25, 36, 49]);
    expect([...(await low.data())]).toEqual([1, 2, 3]);
    expect(low.gpuBuffer).toBe(buffer);
    expect([low.gpuBufferOffset, high.gpuBufferOffset]).toEqual([0, 512]);
    // The application's own commands see what ours have made.
    const total = add(low, high);
    const staging = raw.createBuffer({ size: 12, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = raw.createCommandEncoder();
    encoder.copyBufferToBuffer(total.gpuBuffer, total.gpuBufferOffset, staging, 0, 12);
    raw.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    expect([...new Float32Array(staging.getMappedRange())]).toEqual([6, 8, 10]);
    low.dispose();
    high.dispose();
    shared.trim();
    expect(shared.memory().bytes).toBeLessThanOrEqual(bytes + 2048);
    // Neither freeing the tensors nor the device destroys the buffer.
    shared.destroy();
    raw.queue.writeBuffer(buffer, 0, Float32Array.of(7));
    raw.pushErrorScope("validation");
    raw.queue.writeBuffer(buffer, 0, Float32Array.of(8));
    expect(await raw.popErrorScope()).toBeNull();
    raw.destroy();
  });
  test("two tensors in the same bytes: a captured function reads what was there before the update, as the function itself does", async () => {
    const raw = await hostDevice();
    const shared = await openDevice({ gpuDevice: raw });
    const run = async (wrap: (fn: () => Tensor) => () => Tensor) => {
      const buffer = raw.createBuffer({ size: 256, usage: storageUsage() });
      raw.queue.writeBuffer(buffer, 0, Float32Array.of(1, 2, 3, 4));
      const [seen, learnt] = [tensorFromBuffer(shared, buffer, [4]), tensorFromBuffer(shared, buffer, [4])];
      learnt.requiresGrad = true;
      const adam = new Adam([learnt], { lr: 0.1 });
      const step = wrap(() => {
        const squares = square(seen);
        adam.step(backward(sum(learnt)));
        return squares;
      });
      const results: number[][] = [];
      for (let i = 0; i < 3; i++) results.push([...(await step().data())]);
      return results;
    };
    const eager = await run((fn) => fn);
    expect(eager[1]![0]).toBeCloseTo(0.81, 5);
    expect(await run((fn) => capture(shared, fn))).toEqual(eager);
    shared.destroy();
    raw.destroy();
  });
  test("integers, and an update in place of an optimizer", async () => {
    const raw = await hostDevice();
    const shared = await openDevice({ gpuDevice: raw });
    const buffer = raw.createBuffer({ size: 512, usage: storageUsage() });
    const whole = tensorFromBuffer(shared, buffer, [2], { dtype: "i32", offset: 256 });
    whole.write([-3, 4]);
    expect([...(await whole.data())]).toEqual([-3, 4]);
    const weight = tensorFromBuffer(shared, buffer, [3]);
    weight.write([1, 2, 3]);
    new Adam([weight], { lr: 0.5 }).step(new Map([[weight, tensor(shared, [1, 1, -1])]]));
    expect([...(await weight.data())].map((v) => Math.round(v * 1e4) / 1e4)).toEqual([0.5, 1.5, 3.5]);
    expect([...(await whole.data())]).toEqual([-3, 4]);
    shared.destroy();
    raw.destroy();
  });
  test("rejects a buffer that does not do", async () => {
    const raw = await hostDevice();
    const shared = await openDevice({ gpuDevice: raw });
    const small = raw.createBuffer({ size: 400, usage: storageUsage() });
    const copies = raw.createBuffer({ size: 512, usage: GPUBufferUsage.COPY_DST });
    expect(() => tensorFromBuffer(shared, small, [100])).toThrow(
      new DeviceError("tensorFromBuffer: [100] at 0 needs a buffer of 512 bytes (rounded up to 256), got 400"),
    );
    expect(() => tensorFromBuffer(shared, small, [4], { offset: 16 })).toThrow(
      "tensorFromBuffer: offset must be a multiple of 256 bytes, got 16",
    );
    expect(() => tensorFromBuffer(shared, copies, [4])).toThrow(
      "tensorFromBuffer: the buffer needs usage STORAGE, COPY_SRC and COPY_DST",
    );
    expect(() => tensorFromBuffer(shared, small, [-1])).toThrow("tensorFromBuffer: sizes must be whole numbers");
    shared.destroy();
    raw.destroy();
  });
});

describe("errors of the GPU reject the next await, and name the op", () => {
  test("a kernel that does not compile", async () => {
    const shared = await openDevice({ gpuDevice: await hostDevice() });
    const code = sources.sgd.code.replace("s.lr*g", "s.lr*true");
    const broken: KernelSource = { ...sources.sgd, name: "broken-step", code };
    const x = tensor(shared, [1, 2, 3, 4]);
    const other = tensor(shared, [1, 2, 3, 4]);
    shared.launch(broken, {
      dims: { blocks: 1, row: 0 },
      buffers: { scalars: x.storage, gradient: x.storage, momentum: other.storage, parameter: other.storage },
      groups: [1],
    } as never);
    await expect(other.data()).rejects.toThrow(/^broken-step: the GPU reported: .*no matching overload/s);
    // Reported once; the device goes on.
    expect(await sum(x).item()).toBe(10);
    shared.destroy();
  });
  test("no memory: the label, the bytes and what the GPU said", async () => {
    const raw = await hostDevice();
    const scopes: string[] = [];
    // A GPU that has no memory for more than 1 MiB.
    const poor = {
      limits: raw.limits,
      lost: raw.lost,
      addEventListener: () => undefined,
      pushErrorScope: (kind: string) => scopes.push(kind),
      createBuffer: (wanted: GPUBufferDescriptor) => raw.createBuffer(wanted),
      popErrorScope: async () => (scopes.pop() === "out-of-memory" ? { message: "Allocation failed" } : null),
    } as unknown as GPUDevice;
    const health = new Health(poor);
    new BufferPool(poor, health, () => undefined).allocate(1 << 20, "conv2d/weights");
    await expect(health.check("read")).rejects.toThrow(
      new DeviceError("conv2d/weights: the GPU has no memory for 1048576 bytes: Allocation failed"),
    );
    await health.check("read");
    raw.destroy();
  });
});

/** A network with everything that has state. */
class Net extends Module {
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;
  readonly dropout: Dropout;
  readonly last: Linear;
  constructor(on: Device, masks: Rng) {
    super();
    const rng = createRng(on, 1);
    this.conv = new Conv2d(rng, { inChannels: 2, outChannels: 4, kernelSize: 3, padding: 1 });
    this.norm = new BatchNorm2d(on, { channels: 4 });
    this.dropout = new Dropout(masks, { rate: 0.25 });
    this.last = new Linear(rng, { inFeatures: 64, outFeatures: 3 });
  }
  forward(x: Tensor): Tensor {
    return this.last.forward(
      reshape(this.dropout.forward(relu(this.norm.forward(this.conv.forward(x)))), { shape: [-1, 64] }),
    );
  }
}

/** A training on a device, all of it. */
function training(on: Device) {
  const rng = createRng(on, 5);
  const net = new Net(on, rng);
  const optimizer = new Adam(net.parameters(), { lr: 0.02, amsgrad: true });
  const scheduler = new LrScheduler(optimizer, cosine({ epochs: 20 }));
  const parts = { net, optimizer, scheduler, rng };
  const step = (index: number) => {
    using _scope = on.scope();
    const x = tensor(on, uniform(96, index), [3, 4, 4, 2]);
    const loss = mse(net.forward(x), tensor(on, uniform(9, 50 + index), [3, 3]));
    optimizer.step(backward(loss));
    scheduler.step();
    return loss.data();
  };
  return { parts, step };
}

describe("a lost device", () => {
  const steps = 6;
  const whole = (async () => {
    const { parts, step } = training(device);
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) losses.push((await step(i))[0]!);
    return { losses, state: await readState(parts.net.stateDict()) };
  })();

  // Lost in the middle of a step: by our own destroy, or by the application's under our feet.
  test.each([
    ["destroyed by us", 4, 3],
    ["lost", 0, 0],
    ["lost", 5, 2],
  ] as const)(
    "%s in step %i, snapshot after %i: rejects, and goes on elsewhere with the same bits",
    async (how, at, saved) => {
      const raw = await hostDevice(true);
      const first = await openDevice(how === "lost" ? { gpuDevice: raw } : {});
      const before = training(first);
      let last: Snapshot = await snapshot(before.parts);
      for (let i = 0; i < at; i++) {
        await before.step(i);
        if (i + 1 === saved) last = await snapshot(before.parts);
      }
      const reading = before.step(at);
      if (how === "lost") raw.destroy();
      else first.destroy();
      await expect(reading).rejects.toThrow(DeviceError);
      expect(await first.lost).toMatch(/destroyed/);
      expect(() => tensor(first, [1])).toThrow(how === "lost" ? DeviceError : DisposedError);
      await expect(first.finish()).rejects.toThrow(/destroyed/);

      const second = await openDevice();
      const after = training(second);
      restore(last, after.parts);
      const from = Math.min(saved, at);
      const losses: number[] = [];
      for (let i = from; i < steps; i++) losses.push((await after.step(i))[0]!);
      const { losses: wanted, state } = await whole;
      expect(losses).toEqual(wanted.slice(from));
      expect(await readState(after.parts.net.stateDict())).toEqual(state);
      second.destroy();
      raw.destroy();
    },
  );
  test("a snapshot is that of its call, whatever steps come before it resolves", async () => {
    const { parts, step } = training(device);
    await step(0);
    const now = await snapshot(parts);
    const pending = snapshot(parts);
    await step(1);
    const taken = await pending;
    expect(taken["net"]!.tensors).toEqual(now["net"]!.tensors);
    expect(taken["optimizer"]!.rates).toEqual(now["optimizer"]!.rates);
    expect(taken["rng"]!.state).toEqual(now["rng"]!.state);
  });
  test("restore rejects other names, and states that do not fit", async () => {
    const { parts } = training(device);
    const saved = await snapshot(parts);
    expect(() => restore(saved, { net: parts.net })).toThrow(
      "restore: the parts must be net, optimizer, rng, scheduler, got net",
    );
    expect(() => restore({ net: saved["net"]! }, { net: parts.net.conv })).toThrow(
      "loadStateDict: the entries must be",
    );
  });
});

describe("scopes and async functions that take turns", () => {
  test("a scope that ends before one that was started later says so", async () => {
    const turn = async (ms: number) => {
      using _scope = device.scope();
      await new Promise((resolve) => setTimeout(resolve, ms));
    };
    const [first, second] = await Promise.allSettled([turn(5), turn(20)]);
    expect(second.status).toBe("fulfilled");
    expect(first).toMatchObject({ status: "rejected", reason: expect.any(DisposedError) });
    expect(String((first as PromiseRejectedResult).reason)).toContain(
      "scope: it ended while a scope that was started later was open",
    );
  });
  test("one after the other, or one inside the other's wait, is right", async () => {
    using _scope = device.scope();
    const x = tensor(device, [2]);
    await (async () => {
      using _inner = device.scope();
      expect(await square(tensor(device, [3])).item()).toBe(9);
    })();
    expect(await square(x).item()).toBe(4);
  });
});
