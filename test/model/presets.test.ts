import { describe, expect, test } from "vitest";
import { HostRandom } from "../../src/data/random.js";
import { drawImages, drawTestFmri, epochOrder, randomShifts, stepRows } from "../../src/model/batches.js";
import { presetOf, trainingConfig } from "../../src/model/config.js";
import { authorsPreset, maxShift, paperPreset } from "../../src/model/presets.js";
import { tinyDataset } from "./tiny.js";

describe("presets", () => {
  test.each([
    [0, 0.1],
    [20, 0.1],
    [21, 0.01],
    [35, 0.01],
    [36, 1e-3],
    [46, 1e-4],
    [51, 1e-5],
    [79, 1e-5],
  ])("the Encoder's learning rate in epoch %i of 80 is %f", (epoch, lr) => {
    expect(authorsPreset.encoderLr(epoch, 80)).toBe(lr);
  });

  test.each([
    [28, 1e-3, 1e-3],
    [29, 2e-4, 1e-3],
    [30, 2e-4, 2e-4],
    [149, 1e-3 * 0.2 ** 5, 1e-3 * 0.2 ** 4],
  ])("the Decoder's learning rate in epoch %i of 150: code %f, text %f", (epoch, authors, paper) => {
    expect(authorsPreset.decoderLr(epoch, 150)).toBeCloseTo(authors, 12);
    expect(paperPreset.decoderLr(epoch, 150)).toBeCloseTo(paper, 12);
  });

  test("at the paper's resolution: two blocks after conv1 in the code, three in the text, three doublings", () => {
    expect([authorsPreset.encoderHalvings(112), paperPreset.encoderHalvings(112)]).toEqual([3, 4]);
    expect([authorsPreset.decoderDoublings(112), paperPreset.decoderDoublings(112)]).toEqual([3, 3]);
    expect(maxShift(authorsPreset, 112)).toBe(5);
    expect(maxShift(authorsPreset, 28)).toBe(1);
  });

  test("a shift of one's own takes the place of the preset's, and 0 switches shifts off", () => {
    expect(maxShift(presetOf(trainingConfig(), 100), 28)).toBe(1);
    expect(maxShift(presetOf(trainingConfig({ maxShift: 3 }), 100), 28)).toBe(3);
    const none = maxShift(presetOf(trainingConfig({ maxShift: 0 }), 100), 112);
    expect(none).toBe(0);
    expect(Array.from(randomShifts(new HostRandom(1), 4, none).dy)).toEqual([0, 0, 0, 0]);
  });

  test("batch norm's momentum is the preset's on a long schedule and larger on a short one", () => {
    expect(presetOf(trainingConfig(), 2700).batchNormMomentum).toBe(0.01);
    expect(presetOf(trainingConfig(), 100).batchNormMomentum).toBeCloseTo(0.1, 12);
  });
});

describe("batches", () => {
  test("an epoch's order is a permutation; steps are whole batches, at least one", () => {
    const { order, steps } = epochOrder(new HostRandom(1), 1200, 64);
    expect(steps).toBe(18);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1200 }, (_, i) => i));
    expect(epochOrder(new HostRandom(1), 10, 64).steps).toBe(1);
  });

  test("steps of an epoch do not overlap while the order lasts", () => {
    const { order } = epochOrder(new HostRandom(2), 200, 64);
    const seen = [0, 1, 2].flatMap((step) => stepRows(order, step, 48));
    expect(new Set(seen).size).toBe(144);
  });

  test("shifts cover the whole range and nothing else", () => {
    const { dy, dx } = randomShifts(new HostRandom(3), 2000, 5);
    for (const shift of [dy, dx])
      expect([...new Set(shift)].sort((a, b) => a - b)).toEqual([-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5]);
  });

  test("unlabeled images of a batch are different images", () => {
    const { train } = tinyDataset(8);
    const drawn = drawImages(new HostRandom(4), train.images, 5);
    const size = drawn.pixels.length / 5;
    const keys = Array.from({ length: 5 }, (_, i) => drawn.pixels.slice(i * size, (i + 1) * size).join());
    expect(new Set(keys).size).toBe(5);
  });

  test("test fMRI is the mean of some repeats of a test item, about a third of them", () => {
    const dataset = tinyDataset(8);
    const marked = dataset.test.fmri.columns;
    // Repeat r of item i holds the bit 2^r in every voxel, so that the mean tells which repeats were taken.
    const testRepeats = Array.from({ length: 4 }, () => ({
      rows: 8,
      columns: marked,
      values: Float32Array.from({ length: 8 * marked }, (_, k) => 2 ** Math.floor(k / marked)),
    }));
    const drawn = drawTestFmri(new HostRandom(5), { ...dataset, testRepeats }, 400);
    let picked = 0;
    for (let row = 0; row < 400; row++) {
      const value = drawn.values[row * marked]!;
      const count = [1, 2, 3, 4, 5, 6, 7, 8].find((n) => {
        const sum = Math.round(value * n);
        return Math.abs(value * n - sum) < 1e-3 && sum.toString(2).replaceAll("0", "").length === n;
      });
      expect(count).toBeDefined();
      picked += count! / 400;
    }
    expect(picked).toBeGreaterThan(2.2);
    expect(picked).toBeLessThan(3.4);
  });
});
