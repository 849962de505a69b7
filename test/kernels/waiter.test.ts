import { describe, expect, test } from "vitest";
import { Waiter } from "../../src/kernels/waiter.js";

const later = <T>(ms: number, value: T) => new Promise<T>((resolve) => setTimeout(resolve, ms, value));

describe.each([true, false])("waiter, software %s", (software) => {
  test("gives what the promise gives, also an error", async () => {
    const waiter = new Waiter(software);
    expect(await waiter.wait(Promise.resolve(7))).toBe(7);
    expect(await waiter.wait(later(20, 8))).toBe(8);
    await expect(waiter.wait(Promise.reject(new RangeError("no")))).rejects.toThrow("no");
  });

  test("regression: a short wait after a long one is not lengthened by it", async () => {
    const waiter = new Waiter(software);
    await waiter.wait(later(600, null));
    const start = performance.now();
    await waiter.wait(later(10, null));
    // What was slept before was 0.7 of the last wait, 420 ms.
    expect(performance.now() - start).toBeLessThan(300);
  });
});

test("waiter: leaves most of the core to a software driver", async () => {
  const cpu = process.cpuUsage();
  await new Waiter(true).wait(later(400, null));
  const { user, system } = process.cpuUsage(cpu);
  // Polling in every turn takes all of the 400 ms.
  expect((user + system) / 1000).toBeLessThan(250);
});
