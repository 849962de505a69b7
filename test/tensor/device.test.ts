import { describe, expect, test } from "vitest";
import { DeviceError, DisposedError } from "../../src/kernels/errors.js";
import * as sources from "../../src/kernels/generated.js";
import { openDevice } from "../../src/kernels/open-device.js";
import { backward } from "../../src/tensor/backward.js";
import { add, square } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { empty, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { collectLeftovers, testDevice } from "../device.js";
import { withBindingLimit } from "../gemm.js";

const device = await testDevice();
const openAnother = () => openDevice(process.env["VOXPIX_ADAPTER"] === "swiftshader" ? { adapter: "swiftshader" } : {});

describe("limits", () => {
  test("a buffer over the limit names the bytes asked and allowed", () => {
    const { maxBufferBytes } = device.adapter;
    const elements = Math.floor(maxBufferBytes / 4) + 64;
    const asked = Math.ceil((elements * 4) / 256) * 256;
    const before = device.memory();
    expect(() => empty(device, [elements], "f32", "weights")).toThrow(
      new DeviceError(
        `weights: needs a buffer of ${asked} bytes, but this adapter allows ${maxBufferBytes} (maxBufferSize)`,
      ),
    );
    expect(device.memory()).toEqual(before);
  });
  test("a binding over the limit names the bytes asked and allowed", async () => {
    using _scope = device.scope();
    const [x, y] = [empty(device, [9001]), empty(device, [9001])];
    const launch = () =>
      device.launch(sources.resample, {
        dims: Object.fromEntries(Object.keys(sources.resample.dims).map((name) => [name, 1])) as never,
        buffers: Object.fromEntries(
          Object.keys(sources.resample.buffers).map((name, i) => [name, (i ? x : y).storage]),
        ) as never,
        groups: [1],
      });
    await withBindingLimit(device, 16_384, () => {
      expect(launch).toThrow(
        new DeviceError(
          "resample: input needs a binding of 36096 bytes, but this adapter allows 16384 (maxStorageBufferBindingSize)",
        ),
      );
    });
  });
});

describe("a second device", () => {
  test("does not mix with the first", async () => {
    const other = await openAnother();
    const [here, there] = [tensor(device, [1]), tensor(other, [2])];
    expect(() => add(here, there)).toThrow("add: y lives on another device than the inputs before it");
    expect(await square(there).item()).toBe(4);
    other.destroy();
    here.dispose();
  });
  test("after destroy everything is a DisposedError, and the first device goes on", async () => {
    const other = await openAnother();
    const x = tensor(other, [1, 2], [2], { requiresGrad: true });
    const y = sum(square(x));
    expect(await y.item()).toBe(5);
    other.destroy();
    await expect(x.data()).rejects.toThrow(new DisposedError("read: the device was destroyed"));
    await expect(other.finish()).rejects.toThrow(new DisposedError("finish: the device was destroyed"));
    expect(() => square(x)).toThrow(new DisposedError("square: the device was destroyed"));
    expect(() => x.write([1, 2])).toThrow(new DisposedError("write: the device was destroyed"));
    expect(() => tensor(other, [1])).toThrow(DisposedError);
    expect(() => backward(y)).toThrow(DisposedError);
    // Nothing left to free, but no reason to fail.
    y.dispose();
    other.destroy();
    expect(await sum(tensor(device, [1, 2])).item()).toBe(3);
  });
  test("a read that is under way when it is destroyed says why it failed", async () => {
    const other = await openAnother();
    const reading = tensor(other, [1, 2]).data();
    other.destroy();
    await expect(reading).rejects.toThrow("read: the device was lost");
  });
  test("its scopes and memory are its own", async () => {
    const other = await openAnother();
    await collectLeftovers();
    const before = device.memory();
    let inner: Tensor;
    {
      using _scope = other.scope();
      inner = square(tensor(other, [3]));
      expect(await inner.item()).toBe(9);
    }
    expect(other.memory().tensors).toBe(0);
    expect(device.memory()).toEqual(before);
    other.destroy();
  });
});
