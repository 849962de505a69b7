import { afterAll, describe, expect, test } from "vitest";

// Plain JavaScript, run on what is built, as the benchmarks are.
const clockFile = "../../bench/clock.mjs";
const commonFile = "../../bench/common.mjs";
const { chooseClock, clockName, readClock } = await import(clockFile);
const { open, random, time } = await import(commonFile);

const gpu = { software: false, features: ["subgroups", "timestamp-query"] };
const plain = { software: false, features: ["subgroups"] };
const software = { software: true, features: ["timestamp-query"] };

describe("clock", () => {
  test.each([
    ["a GPU", gpu, undefined, "gpu"],
    ["a GPU without timestamps", plain, undefined, "wall"],
    ["a software driver", software, undefined, "cpu"],
    ["a software driver, its timestamps asked for", software, "gpu", "gpu"],
    ["a GPU, the wall asked for", gpu, "wall", "wall"],
  ])("%s", (_name, adapter, asked, expected) => {
    expect(chooseClock(adapter, asked)).toBe(expected);
  });
  test("refuses a clock that there is not", () => {
    expect(() => chooseClock(plain, "gpu")).toThrow("--clock gpu: this adapter has no timestamp queries");
    expect(() => chooseClock(gpu, "sun")).toThrow("--clock must be cpu, gpu or wall, got sun");
  });
});

describe("time", async () => {
  const adapter = process.env["VOXPIX_ADAPTER"];
  const { matmul } = await import(`${"../../dist"}/tensor/ops/matmul.js`);
  const devices: { destroy(): void }[] = [];
  afterAll(() => {
    for (const device of devices) device.destroy();
  });
  test("timestamps lie within the wall time around them, and grow with the work", async (context) => {
    const device = await open({ adapter });
    devices.push(device);
    if (!device.adapter.features.includes("timestamp-query")) context.skip("this adapter has no timestamp queries");
    const stamped = await open({ adapter, clock: "gpu" });
    devices.push(stamped);
    expect(clockName(stamped)).toMatch(/timestamp/);
    const a = random(stamped, 256, 256);
    const run = () => matmul(a, a);
    await time(stamped, run);
    const [one, many] = [await time(stamped, run), await time(stamped, run, 32)];
    for (const { wall, gpu: ms } of [one, many]) {
      expect(ms).toBeGreaterThan(0);
      expect(ms).toBeLessThan(wall);
    }
    expect(readClock(stamped, many)).toBe(many.gpu);
    expect(32 * many.gpu).toBeGreaterThan(2 * one.gpu);
  });
  test("without them there is another clock, and no timestamp is read", async () => {
    const device = await open({ adapter, clock: "wall" });
    devices.push(device);
    const a = random(device, 16, 16);
    const took = await time(device, () => matmul(a, a));
    expect(took).not.toHaveProperty("gpu");
    expect(readClock(device, took)).toBe(took.wall);
    expect(clockName(device)).toMatch(/wall/);
  });
});
