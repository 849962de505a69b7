/**
 * Long trainings take no more memory than short ones. `npm run soak` takes 10,000 steps and prints what it measured; the suite
 * takes fewer.
 *
 * The device's counts must be equal to the byte. The host's memory cannot be: the collector decides when to give back. After a
 * forced collection the heap may differ by what compiled code and inline caches take, which does not grow with the number of
 * steps; 4 MiB allow for it, and over 10,000 steps find a leak of 420 bytes a step, less than one tensor with its finalizer. The
 * resident set also has the driver's own arenas, which fragment; 64 MiB allow for it, and find 6.7 kB a step, less than the
 * commands of one.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { collectLeftovers, testDevice } from "../device.js";
import { Training, trainingKinds } from "../steady.js";

const full = process.env["VOXPIX_SOAK"] === "full";
const steps = full ? 10_000 : 200;
/** Steps until all that is made once has been made: kernels, caches, compiled code. */
const warmUp = full ? 1_000 : 40;
const hour = 3_600_000;
const device = await testDevice();
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Memory of device and host when all that is garbage has been collected. */
async function measure() {
  await device.finish();
  await collectLeftovers();
  collect();
  const { heapUsed, rss, arrayBuffers } = process.memoryUsage();
  return { device: device.memory(), heap: heapUsed, buffers: arrayBuffers, rss };
}

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

describe(`memory over ${steps} training steps`, () => {
  test.each(trainingKinds)("$optimizer, captured: $captured", { timeout: hour }, async (kind) => {
    await collectLeftovers();
    const empty = device.memory();
    const training = new Training(device, kind);
    for (let i = 0; i < warmUp; i++) await training.step(i);
    const before = await measure();
    for (let i = warmUp; i < steps; i++) await training.step(i);
    const after = await measure();
    if (full) {
      const { tensors, buffers, bytes, pooledBytes } = after.device;
      process.stdout.write(
        `${kind.optimizer}, captured ${kind.captured}, ${steps} steps: ${tensors} tensors, ${buffers} buffers, ${bytes} bytes, ` +
          `${pooledBytes} pooled; heap ${mib(before.heap)} -> ${mib(after.heap)}, resident ${mib(before.rss)} -> ${mib(after.rss)}\n`,
      );
    }
    expect(after.device).toEqual(before.device);
    expect(after.heap - before.heap, "heap").toBeLessThan(4 * 2 ** 20);
    expect(after.buffers - before.buffers, "array buffers").toBeLessThan(2 ** 20);
    expect(after.rss - before.rss, "resident set").toBeLessThan(64 * 2 ** 20);
    training.dispose();
    const { tensors, buffers, bytes, capturedBytes } = device.memory();
    // The constants of a device are made once and stay.
    expect(tensors - empty.tensors).toBeLessThanOrEqual(8);
    expect(buffers - empty.buffers).toBeLessThanOrEqual(8);
    expect(bytes - empty.bytes).toBeLessThanOrEqual(8 * 256);
    expect(capturedBytes).toBe(empty.capturedBytes);
  });
});
