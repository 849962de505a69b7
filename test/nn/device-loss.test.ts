/** The device is lost at random steps of a training, eager and captured: nothing hangs, and it goes on elsewhere with the same bits. */
import { describe, expect, test } from "vitest";
import { create, globals } from "webgpu";
import type { Device } from "../../src/kernels/device.js";
import { DeviceError, DisposedError } from "../../src/kernels/errors.js";
import { openDevice } from "../../src/kernels/open-device.js";
import { restore, type Snapshot, snapshot } from "../../src/nn/snapshot.js";
import { tensor } from "../../src/tensor/tensor.js";
import { testDevice, uniform } from "../device.js";
import { openAnother, Training, type TrainingKind, trainingKinds } from "../steady.js";

// Opened first: it puts the driver's settings in place.
const device = await testDevice();
Object.assign(globalThis, globals);
const gpu = create([]);
// Kept until the process ends: an instance that is collected while a lost device of its own winds up takes the process down.
Object.assign(globalThis, { voxpixKeptInstance: gpu });

const steps = 9;
/** Losses per kind: opening a device and compiling its kernels is what takes the time. */
const losses = process.env["VOXPIX_DETERMINISM"] === "full" ? 8 : 1;
/** Longest that anything which waits for a lost device may take. */
const patienceMs = 20_000;

/** A device of our own, and what takes it away: `destroy`, or the application that made the device underneath. */
async function losable(how: "destroy" | "underlying"): Promise<{ device: Device; lose: () => void }> {
  if (how === "destroy") {
    const own = await openAnother();
    return { device: own, lose: () => own.destroy() };
  }
  const adapter = (await gpu.requestAdapter())!;
  // With all that `openDevice` asks for, so that the same kernels run.
  const wanted: GPUFeatureName[] = ["timestamp-query", "subgroups", "shader-f16"];
  const requiredFeatures = wanted.filter((name) => adapter.features.has(name));
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const raw = await adapter.requestDevice({
    requiredFeatures,
    requiredLimits: { maxStorageBufferBindingSize, maxBufferSize },
  });
  return { device: await openDevice({ gpuDevice: raw }), lose: () => raw.destroy() };
}

/** Trains until the device is lost after the commands of step `at`; returns the last snapshot and its step. */
async function trainUntilLost(kind: TrainingKind, how: "destroy" | "underlying", at: number, every: number) {
  const { device: first, lose } = await losable(how);
  const training = new Training(first, kind);
  let saved: Snapshot = await snapshot(training.parts);
  let from = 0;
  for (let i = 0; i < at; i++) {
    await training.step(i);
    if ((i + 1) % every === 0) [saved, from] = [await snapshot(training.parts), i + 1];
  }
  // Two kinds of wait are under way when it happens, and both have to end.
  const pending = [training.step(at), snapshot(training.parts), first.finish()];
  lose();
  for (const { status, reason } of (await Promise.allSettled(pending)) as PromiseRejectedResult[]) {
    expect(status).toBe("rejected");
    expect(reason).toBeInstanceOf(DeviceError);
    expect(String(reason)).toMatch(/destroyed/);
  }
  expect(await first.lost).toMatch(/destroyed/);
  const late = how === "destroy" ? DisposedError : DeviceError;
  expect(() => training.step(at + 1)).toThrow(late);
  expect(() => tensor(first, [1])).toThrow(late);
  await expect(first.finish()).rejects.toThrow(late);
  // What is left can be freed, in any order.
  training.dispose();
  first.destroy();
  return { saved, from };
}

/** Seeded: the steps at which the device goes, and the steps between snapshots. */
const cases = trainingKinds.flatMap((kind, k) =>
  (["destroy", "underlying"] as const).map((how, h) => {
    const [rare = 0, ...places] = uniform(1 + losses, 40 + 2 * k + h, 0, 1);
    return { ...kind, how, lost: places.map((place) => Math.floor(place * steps)), every: 1 + Math.floor(rare * 4) };
  }),
);

describe("a device lost at random steps", () => {
  const wholes = new Map<string, Promise<string>>();
  /** What a training without any loss comes to. */
  const whole = (kind: TrainingKind) => {
    const run = async () => {
      const training = new Training(device, kind);
      for (let i = 0; i < steps; i++) await training.step(i);
      const digest = await training.digest([]);
      training.dispose();
      return digest;
    };
    const known = wholes.get(kind.optimizer) ?? run();
    wholes.set(kind.optimizer, known);
    return known;
  };

  test.each(cases)(
    "$optimizer, captured $captured, $how, at steps $lost, snapshots every $every",
    { timeout: patienceMs * (1 + losses) },
    async ({ optimizer, captured, how, lost, every }) => {
      const kind = { optimizer, captured };
      for (const at of lost) {
        const { saved, from } = await trainUntilLost(kind, how, at, every);
        expect(from).toBeLessThanOrEqual(at);
        const after = new Training(device, kind);
        restore(saved, after.parts);
        for (let i = from; i < steps; i++) await after.step(i);
        expect(await after.digest([])).toBe(await whole(kind));
        after.dispose();
      }
    },
  );
});
