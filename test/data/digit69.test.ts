import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadDigit69, readDigit69 } from "../../src/data/digit69.js";
import { kFold, refold } from "../../src/data/folds.js";
import { expectDataError, fixture, sharedData, temporaryFolder } from "./helpers.js";

const FILE = fixture("digit69_28x28.mat");

describe("digit69: a file of the same layout", () => {
  test("the published split, upright grey images and digits", async () => {
    const raw = await readDigit69(FILE);
    expect(raw.images).toMatchObject({ count: 100, height: 28, width: 28, channels: 1 });
    // Image i shows i at row 1, column 2.
    expect(raw.images.pixels[57 * 784 + 28 + 2]).toBeCloseTo(57 / 255, 7);
    expect(raw.images.pixels.filter((value) => value > 0)).toHaveLength(99);
    expect(raw.split.train).toEqual(Array.from({ length: 90 }, (_, i) => i));
    expect(raw.split.test).toEqual(Array.from({ length: 10 }, (_, i) => 90 + i));
    expect(raw.labels.slice(0, 2)).toEqual(["1 (6)", "2 (9)"]);
  });

  test("z-scored on the training rows", async () => {
    const { train, test: held, testRepeats, snr, notes } = await loadDigit69(FILE);
    expect([train.fmri.rows, held.fmri.rows, train.fmri.columns]).toEqual([90, 10, 5]);
    const column = Array.from({ length: 90 }, (_, i) => train.fmri.values[i * 5] ?? 9);
    expect(column.reduce((a, b) => a + b) / 90).toBeCloseTo(0, 6);
    expect(column.reduce((a, b) => a + b * b, 0) / 90).toBeCloseTo(1, 5);
    expect([testRepeats, snr]).toEqual([null, null]);
    expect(notes).toEqual(["one response per image: there are no repeats, so no signal-to-noise ratio"]);
  });

  test("from its folder, at another resolution, in three channels", async () => {
    const dataset = await loadDigit69(dirname(FILE), { resolution: 16, channels: 3 });
    expect(dataset.train.images).toMatchObject({ count: 90, height: 16, width: 16, channels: 3 });
    expect(dataset.notes).toContain("images resized from 28 to 16 pixels");
  });

  test("ten folds hold five of each digit", async () => {
    const raw = await readDigit69(FILE);
    for (const { train, test } of kFold(raw, 10, 0)) {
      expect(test.filter((i) => raw.classes?.[i] === 6)).toHaveLength(5);
      expect(refold(raw, train, test).train.fmri.rows).toBe(90);
    }
  });

  test.each([
    ["digit69-short.mat", /stimTest and labelTest are \[10, 5\], \[9, 784\], \[10, 1\], expected \[10, voxels\]/],
    ["digit69-label.mat", /digit69-label.mat: labelTest holds 3, expected 1 \(six\) or 2 \(nine\)/],
    ["digit69-voxels.mat", /fmriTrn has 5 voxels, fmriTest 4/],
    ["plain.mat", /no variable fmriTrn, it holds matrix/],
    ["none.mat", /none.mat: no such file/],
  ])("rejects %s", async (name, message) => {
    await expectDataError(() => loadDigit69(fixture(name)), message);
  });

  test("rejects a folder without it, a truncated copy and a bad resolution", async () => {
    const { folder, write } = temporaryFolder();
    await expectDataError(
      () => loadDigit69(folder),
      /no file in it is the 69 dataset of handwritten digits\. Name the file/,
    );
    const whole = readFileSync(FILE);
    for (const length of [100, 128, 135, 200, whole.length - 1]) {
      const path = write("cut.mat", whole.subarray(0, length));
      await expectDataError(() => loadDigit69(path), /cut.mat: (truncated|no variable)/);
    }
    rmSync(join(folder, "cut.mat"));
    copyFileSync(FILE, join(folder, "digits, renamed.mat"));
    await expectDataError(() => loadDigit69(folder, { resolution: 0 }), /resolution is 0, expected/);
  });
});

const real = sharedData("digit69");
test.skipIf(real === null)("digit69: the real file, against an independent reading of it", async () => {
  const folder = real ?? "";
  const raw = await readDigit69(folder);
  const bytes = readFileSync(join(folder, "images_u8_100x28x28.bin"));
  expect(Array.from(raw.images.pixels, (value) => Math.round(value * 255))).toEqual(Array.from(bytes));
  const digits = Array.from(readFileSync(join(folder, "labels_u8_100.bin")), (label) => (label === 1 ? 6 : 9));
  expect(raw.classes).toEqual(digits);
  const packed = readFileSync(join(folder, "fmri_f32_100x3092.bin"));
  const fmri = new Float32Array(new Uint8Array(packed).buffer);
  for (const i of [0, 41, 89, 90, 99]) expect(raw.responses[i]?.values).toEqual(fmri.slice(i * 3092, (i + 1) * 3092));
  const dataset = await loadDigit69(folder);
  expect(dataset.train.fmri).toMatchObject({ rows: 90, columns: 3092 });
});
