/**
 * Random programs of 5 to 40 ops, values and gradients against float64. A failure is shrunk and printed with its seed.
 * `npm run programs` runs 10,000; VOXPIX_PROGRAMS and VOXPIX_PROGRAMS_SEED choose others.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testDevice } from "../device.js";
import { catalogue } from "./catalogue.js";
import { judge, judgeHalf } from "./judge.js";
import { type Genes, makeProgram } from "./program.js";

const device = await testDevice();
const programs = Number(process.env["VOXPIX_PROGRAMS"] ?? 300);
const seed = Number(process.env["VOXPIX_PROGRAMS_SEED"] ?? 2019);

const size = fc.integer({ min: 1, max: 5 });
const image = fc.tuple(fc.integer({ min: 1, max: 2 }), size, size, fc.integer({ min: 1, max: 4 }));
const shape = fc.oneof({ arbitrary: image, weight: 3 }, fc.array(size, { maxLength: 3 }), fc.tuple(size, size));
const genes: fc.Arbitrary<Genes> = fc.record({
  inputs: fc.array(shape, { minLength: 1, maxLength: 3 }),
  seed: fc.nat({ max: 9999 }),
  steps: fc.array(fc.array(fc.nat({ max: 9999 }), { minLength: 20, maxLength: 20 }), { minLength: 15, maxLength: 80 }),
});

describe("random programs", () => {
  test(`${programs} programs: values and gradients are those of float64`, async () => {
    let lengths = 0;
    let captured = 0;
    const used = new Set<string>();
    await fc.assert(
      fc.asyncProperty(genes, async (own) => {
        const program = makeProgram(own);
        lengths += program.steps.length;
        for (const { name } of program.steps) used.add(name);
        if (await judge(device, program)) captured++;
      }),
      { numRuns: programs, seed, interruptAfterTimeLimit: 3_600_000, endOnFailure: false },
    );
    if (programs < 300) return;
    // Programs are of the length that they are meant to be, and no op is left out.
    expect(captured).toBeGreaterThan(2);
    expect(lengths / programs).toBeGreaterThan(15);
    expect(catalogue.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
  }, 3_600_000);
  test("f16 programs: recorded and replayed, with the bits of the eager run", async () => {
    let ran = 0;
    const short = genes.map((own) => ({ ...own, steps: own.steps.slice(0, 14) }));
    await fc.assert(
      fc.asyncProperty(short, async (own) => {
        if (await judgeHalf(device, makeProgram(own))) ran++;
      }),
      { numRuns: 8, seed, endOnFailure: false },
    );
    expect(ran).toBeGreaterThan(2);
  }, 600_000);
});
