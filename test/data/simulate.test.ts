import { readdirSync, readFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { kFold } from "../../src/data/folds.js";
import { PHOTOGRAPHS } from "../../src/data/photographs.js";
import { simulate, simulateRecordings } from "../../src/data/simulate.js";
import { drive, fitCurves, respond, type SimulatedVoxel } from "../../src/data/voxel-model.js";
import { expectDataError, temporaryFolder } from "./helpers.js";

const SMALL = { resolution: 16, voxels: 40, trainImages: 30, testImages: 12, unlabeledImages: 20, testRepeats: 5 };

const VOXEL: SimulatedVoxel = {
  kind: "phase",
  x: 0.5,
  y: 0.5,
  size: 0.14,
  frequency: 4,
  orientation: 0,
  phase: 0,
  gain: 1,
  baseline: 0,
  snr: 1,
};

/** Gratings of 32 x 32 grey pixels, one per phase: cycles across x, or across y. */
function gratings(cycles: number, phases: number[], vertical = true) {
  const pixels = phases.flatMap((phase) =>
    Array.from({ length: 32 * 32 }, (_, i) => {
      const at = ((vertical ? i % 32 : Math.floor(i / 32)) + 0.5) / 32 - 0.5;
      return 0.5 + 0.5 * Math.cos(2 * Math.PI * cycles * at + phase);
    }),
  );
  return { count: phases.length, height: 32, width: 32, channels: 1, pixels: Float32Array.from(pixels) };
}

describe("voxel model", () => {
  const PHASES = [0, Math.PI / 2, Math.PI, 4];
  const energy: SimulatedVoxel = { ...VOXEL, kind: "energy" };

  test("an energy does not see phase, a phase-selective field does", () => {
    const { values } = drive([energy, VOXEL], gratings(4, PHASES));
    const [e0 = 0, p0 = 0, e1 = 0, p1 = 0, e2 = 0, p2 = 0, e3 = 0] = values;
    for (const e of [e1, e2, e3]) expect(e / e0).toBeCloseTo(1, 1);
    expect(p0).toBeGreaterThan(0.2);
    expect(Math.abs(p1)).toBeLessThan(0.01);
    expect(p2).toBeCloseTo(-p0, 5);
  });

  test("prefers its own frequency, orientation and place", () => {
    const best = drive([energy], gratings(4, [0])).values[0] ?? 0;
    expect(drive([energy], gratings(1, [0])).values[0]).toBeLessThan(0.1 * best);
    expect(drive([energy], gratings(4, [0], false)).values[0]).toBeLessThan(0.1 * best);
    const half = gratings(4, [0]);
    // The left half blank, the field on the left.
    half.pixels.forEach((_, i) => {
      if (i % 32 < 16) half.pixels[i] = 0.5;
    });
    expect(drive([{ ...energy, x: 0.15 }], half).values[0]).toBeLessThan(0.3 * best);
  });

  test("a blank image drives no Gabor, whatever its brightness; a luminance spot reports it", () => {
    const blank = { count: 1, height: 32, width: 32, channels: 1, pixels: new Float32Array(1024).fill(0.9) };
    const spot: SimulatedVoxel = { ...VOXEL, kind: "luminance", frequency: 0 };
    const [phase = 9, power = 9, level = 9] = drive([{ ...VOXEL, x: 0.02 }, energy, spot], blank).values;
    expect(Math.abs(phase)).toBeLessThan(1e-6);
    expect(power).toBeLessThan(1e-6);
    expect(level).toBeCloseTo(0.4, 4);
  });

  test("colour spots see their own colour only", () => {
    const pixels = Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const red = { count: 1, height: 32, width: 32, channels: 3, pixels };
    const spots = (["red-green", "blue-yellow"] as const).map((kind) => ({ ...VOXEL, kind, frequency: 0 }));
    expect(drive(spots, red).values[0]).toBeCloseTo(1, 5);
    expect(drive(spots, red).values[1]).toBeCloseTo(-0.5, 5);
  });

  test("responses have the voxel's baseline and gain over the training stimuli, and compress", () => {
    const voxels = [{ ...VOXEL, gain: 2, baseline: 5 }];
    const drives = { rows: 4, columns: 1, values: Float32Array.from([-1, 0, 1, 4]) };
    const { values } = respond(drives, voxels, fitCurves(drives));
    const mean = values.reduce((a, b) => a + b) / 4;
    expect(mean).toBeCloseTo(5, 5);
    expect(Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 4)).toBeCloseTo(2, 5);
    const [a = 0, b = 0, c = 0, d = 0] = values;
    expect(c - b).toBeCloseTo(b - a, 5);
    expect(d - c).toBeLessThan(3 * (c - b));
    expect(respond(drives, voxels, [{ semiSaturation: 0, mean: 0, sd: 0 }]).values[3]).toBe(5);
  });
});

describe("simulate", async () => {
  const dataset = await simulate(SMALL);

  test("has the sizes asked for", () => {
    const size = { height: 16, width: 16, channels: 3 };
    expect(dataset.train.images).toMatchObject({ count: 30, ...size });
    expect(dataset.test.images).toMatchObject({ count: 12, ...size });
    expect(dataset.unlabeledImages).toMatchObject({ count: 20, ...size });
    expect([dataset.train.fmri.rows, dataset.test.fmri.rows, dataset.train.fmri.columns]).toEqual([30, 12, 40]);
    expect(dataset.testRepeats?.map(({ rows }) => rows)).toEqual(Array.from({ length: 12 }, () => 5));
    expect(dataset.voxels).toHaveLength(40);
    expect(dataset.snr).toHaveLength(40);
    expect(dataset.notes[0]).toMatch(/simulated: 40 voxels .* no brain was measured/);
  });

  test("the seed decides, bit for bit", async () => {
    const again = await simulate(SMALL);
    expect(again.train.fmri.values).toEqual(dataset.train.fmri.values);
    expect(again.unlabeledImages?.pixels).toEqual(dataset.unlabeledImages?.pixels);
    const other = await simulate({ ...SMALL, seed: 1 });
    expect(other.train.fmri.values).not.toEqual(dataset.train.fmri.values);
  });

  test("training and test come from different photographs, and so do folds", async () => {
    const { raw } = await simulateRecordings(SMALL);
    const sources = (indices: readonly number[]) => new Set(indices.map((i) => raw.groups?.[i]));
    const train = sources(raw.split.train);
    expect([...sources(raw.split.test)].filter((source) => train.has(source))).toEqual([]);
    for (const fold of kFold(raw, 3, 0)) {
      const trained = sources(fold.train);
      expect([...sources(fold.test)].filter((source) => trained.has(source))).toEqual([]);
    }
  });

  test("no crop is nearly blank", () => {
    const size = 16 * 16 * 3;
    for (let n = 0; n < 30; n++) {
      const crop = dataset.train.images.pixels.subarray(n * size, (n + 1) * size);
      expect(Math.max(...crop) - Math.min(...crop)).toBeGreaterThan(0.1);
    }
  });

  test("the measured signal-to-noise ratio follows the true one", async () => {
    const many = await simulate({ ...SMALL, voxels: 150, testImages: 40, testRepeats: 20, unlabeledImages: 0 });
    const truth = many.voxels.map(({ snr }) => Math.log(snr + 1 / 20));
    const measured = Array.from(many.snr ?? [], Math.log);
    expect(correlation(truth, measured)).toBeGreaterThan(0.7);
    expect(many.unlabeledImages).toBeNull();
  });

  test("without noise the repeats are equal and no ratio can be measured", async () => {
    const { raw } = await simulateRecordings({ ...SMALL, noise: 0, testRepeats: 2 });
    const [first, second] = [0, 1].map((r) => raw.responses[30]?.values.slice(r * 40, (r + 1) * 40));
    expect(first).toEqual(second);
    const silent = await simulate({ ...SMALL, noise: 0 });
    expect(silent.snr).toBeNull();
    expect(silent.voxels[0]?.snr).toBe(Number.POSITIVE_INFINITY);
  });

  test("grey stimuli have no colour voxels", async () => {
    const grey = await simulate({ ...SMALL, channels: 1 });
    expect(grey.train.images.channels).toBe(1);
    expect(grey.voxels.filter(({ kind }) => kind.includes("-"))).toEqual([]);
    expect(dataset.voxels.some(({ kind }) => kind === "red-green")).toBe(true);
  });

  test("from the user's own photographs", async () => {
    const { folder, write } = temporaryFolder();
    const photo = (seed: number) => {
      const noise = Buffer.from(Array.from({ length: 90 * 70 * 3 }, (_, i) => (i * i * (7 + seed)) % 251));
      return sharp(noise, { raw: { width: 90, height: 70, channels: 3 } })
        .png()
        .toBuffer();
    };
    write("one.png", await photo(1));
    await expectDataError(() => simulate({ ...SMALL, photographs: folder }), /: 1 photographs, at least 2 are needed/);
    write("two.png", await photo(2));
    const own = await simulate({ ...SMALL, photographs: folder });
    expect(new Set(own.train.labels.map((label) => label.replace(/^\d+ /, ""))).size).toBe(1);
  });

  test.each<[string, object, RegExp]>([
    ["no voxels", { voxels: 0 }, /voxels is 0, expected a whole number from 1/],
    ["one training image", { trainImages: 1 }, /trainImages is 1, expected a whole number from 2/],
    ["half an image", { testImages: 2.5 }, /testImages is 2.5/],
    ["a tiny resolution", { resolution: 4 }, /resolution is 4, expected a whole number from 8/],
    ["a huge resolution", { resolution: 9000 }, /resolution is 9000, expected a whole number from 1 to 8192/],
    ["no repeats", { testRepeats: 0 }, /testRepeats is 0/],
    ["negative noise", { noise: -1 }, /noise is -1, expected a number from 0/],
    ["no noise number", { noise: Number.NaN }, /noise is NaN/],
    ["a bad seed", { seed: -3 }, /seed -3 is not a whole number/],
  ])("rejects %s", async (_, options, message) => {
    await expectDataError(() => simulate({ ...SMALL, ...options }), message);
  });
});

test("every photograph that ships is attributed, and together they are small", () => {
  const names = readdirSync(PHOTOGRAPHS).filter((name) => name.endsWith(".jpg"));
  const attribution = readFileSync(`${PHOTOGRAPHS}/ATTRIBUTION.md`, "utf8");
  expect(names.filter((name) => !attribution.includes(`| ${name} |`))).toEqual([]);
  const bytes = names.reduce((sum, name) => sum + readFileSync(`${PHOTOGRAPHS}/${name}`).length, 0);
  expect(bytes).toBeLessThan(1.5e6);
});

function correlation(a: number[], b: number[]): number {
  const centre = (values: number[]) => values.map((v) => v - values.reduce((x, y) => x + y) / values.length);
  const [x, y] = [centre(a), centre(b)];
  const dot = (p: number[], q: number[]) => p.reduce((sum, v, i) => sum + v * (q[i] ?? 0), 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}
