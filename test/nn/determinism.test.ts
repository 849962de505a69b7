/**
 * The same bits, run after run. `npm run determinism` trains 20 times for 1,000 steps with each optimizer, half of the times
 * captured, and prints the digests; the suite trains less often and shorter.
 */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { testDevice } from "../device.js";
import { openAnother, Training, trainingDigest, trainingKinds } from "../steady.js";

const full = process.env["VOXPIX_DETERMINISM"] === "full";
const [pairs, steps] = full ? [10, 1000] : [2, 25];
const hour = 3_600_000;
const device = await testDevice();

/** What a person who asked for the full run wants to see. */
const report = (line: string) => {
  if (full) process.stdout.write(`${line}\n`);
};
report(device.adapter.name);

describe("determinism", () => {
  test("20 runs of forward and backward have one SHA-256", { timeout: hour }, async () => {
    const digests = new Set<string>();
    for (let run = 0; run < 20; run++) {
      const training = new Training(device, { optimizer: "sgd", captured: false });
      const hash = createHash("sha256");
      for (const values of await training.gradients()) hash.update(values);
      digests.add(hash.digest("hex"));
      training.dispose();
    }
    report(`forward and backward, 20 runs: ${[...digests].join(" ")}`);
    expect(digests.size).toBe(1);
  });
  test.each(["adam", "sgd"] as const)(
    `%s: every training of ${steps} steps has one SHA-256, eager and captured, on another device too`,
    { timeout: hour },
    async (optimizer) => {
      const digests = new Set<string>();
      for (let pair = 0; pair < pairs; pair++) {
        const begin = performance.now();
        for (const kind of trainingKinds.filter((k) => k.optimizer === optimizer))
          digests.add(await trainingDigest(device, kind, steps));
        report(
          `${optimizer}, eager and captured, ${pair + 1} of ${pairs}: ${digests.size} digest(s), ${Math.round(performance.now() - begin)} ms`,
        );
      }
      const other = await openAnother();
      digests.add(await trainingDigest(other, { optimizer, captured: true }, steps));
      other.destroy();
      report(`${optimizer}, ${2 * pairs + 1} trainings of ${steps} steps: ${[...digests].join(" ")}`);
      expect(digests.size).toBe(1);
    },
  );
  test("the digest tells one step, one bit of a loss and one seed apart", async () => {
    const digest = async (steps: number, seed: number, change = 0) => {
      const training = new Training(device, { optimizer: "adam", captured: false });
      training.rng.restore({ seed, counter: 0 });
      const losses: number[] = [];
      for (let i = 0; i < steps; i++) losses.push(await training.step(i));
      const result = await training.digest(losses.map((loss) => loss + change));
      training.dispose();
      return result;
    };
    const first = await digest(2, 5);
    expect(await digest(2, 5)).toBe(first);
    expect(new Set([first, await digest(3, 5), await digest(2, 6), await digest(2, 5, 2 ** -30)]).size).toBe(4);
  });
});
