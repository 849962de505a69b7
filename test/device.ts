/** The one device of a test process, and the ways in which op tests compare. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "vitest";
import type { Device } from "../src/kernels/device.js";
import { limitGrids } from "../src/kernels/grid.js";
import { openDevice } from "../src/kernels/open-device.js";
import type { Shape } from "../src/tensor/shape.js";
import { type Tensor, type TensorOptions, tensor } from "../src/tensor/tensor.js";

const shared = globalThis as { voxpixTestDevice?: Promise<Device> };

// Grids of more workgroups than this are folded, as those of more than 65,535 are: small tensors go one way, larger ones the other.
limitGrids(7);

/** The device of this process: opening one and compiling its kernels is what costs time. VOXPIX_ADAPTER=swiftshader chooses the bundled driver. */
export function testDevice(): Promise<Device> {
  shared.voxpixTestDevice ??= openDevice(
    process.env["VOXPIX_ADAPTER"] === "swiftshader" ? { adapter: "swiftshader" } : {},
  );
  return shared.voxpixTestDevice;
}

/**
 * Collects what earlier tests of this process left to the garbage collector. To be awaited before memory is counted over an `await`:
 * the device is shared, and a finalizer that runs in between would change the counts.
 */
export async function collectLeftovers(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let round = 0; round < 3; round++) {
    collect();
    // Finalizers run in a task of their own.
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** Deterministic numbers, uniform in [low, high). */
export function uniform(count: number, seed: number, low = -1, high = 1): Float32Array<ArrayBuffer> {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x85ebca6b) >>> 0;
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    values[i] = low + ((high - low) * ((t ^ (t >>> 14)) >>> 0)) / 2 ** 32;
  }
  return values;
}

/** A tensor of uniform numbers. */
export function randomTensor(
  device: Device,
  shape: Shape,
  seed: number,
  range: readonly [number, number] = [-1, 1],
  options: TensorOptions = {},
): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(device, uniform(size, seed, range[0], range[1]), shape, options);
}

/** Fails unless every value is within `tolerance` x the largest expected magnitude (or `tolerance` itself, when that is below 1e-30). */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what = "values",
): void {
  expect(actual.length, `${what}: number of elements`).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i++)
    if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i]!));
  const allowed = tolerance * (largest || 1);
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    if (Object.is(a, e) || a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    if (!(Math.abs(a - e) <= allowed)) {
      expect.fail(
        `${what}: element ${i} of ${expected.length} is ${a}, expected ${e}; allowed ${allowed.toExponential(2)}, off by ${Math.abs(a - e).toExponential(2)}`,
      );
    }
  }
}
