import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ImageSet } from "../../src/data/dataset.js";
import { loadKay, readKay } from "../../src/data/kay.js";
import { loadSsfmri2im, readSsfmri2im } from "../../src/data/ssfmri2im.js";
import { loadVim1, readVim1 } from "../../src/data/vim1.js";
import { expectDataError, fixture, recording, temporaryFolder } from "./helpers.js";

interface Subject {
  readonly train: number[][];
  readonly val: number[][];
  readonly roi: number[];
}
const expected = JSON.parse(readFileSync(recording("expected.json"), "utf8")) as {
  vim1: { S1: Subject; S2: Subject; image3: number[]; val1: number[] };
  ssfmri2im: { order: number[]; testOrder: number[]; train: number[][]; averaged: number[][] };
};
const { folder } = temporaryFolder();

function expectPixels(images: ImageSet, index: number, wanted: readonly number[]) {
  const size = images.height * images.width * images.channels;
  const found = images.pixels.subarray(index * size, (index + 1) * size);
  expect(found.length).toBe(wanted.length);
  expect(Math.max(...wanted.map((value, i) => Math.abs(value - (found[i] ?? Number.NaN))))).toBeLessThan(1e-6);
}

const closeTo = (found: Float32Array | undefined, wanted: readonly number[]) => {
  expect(found?.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    expect(Math.abs((found?.[i] ?? Number.NaN) - value)).toBeLessThan(1e-6);
  });
};

describe("vim1", () => {
  test.each([recording("vim1"), recording("vim1/EstimatedResponses.mat")])("%s", async (path) => {
    const raw = await readVim1(path, { roi: "all", resolution: 16 });
    expect(raw.split).toEqual({ train: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], test: [10, 11, 12, 13] });
    raw.responses.slice(0, 10).forEach(({ values }, i) => {
      closeTo(values, expected.vim1.S1.train[i] ?? []);
    });
    expect(raw.responses[12]?.values[1]).toBeNaN();
    expect(raw.regions).toEqual([
      { name: "Other", voxels: [2] },
      { name: "V1", voxels: [0, 5] },
      { name: "V2", voxels: [1] },
      { name: "V4", voxels: [4] },
      { name: "LatOcc", voxels: [3] },
    ]);
    expectPixels(raw.images, 3, expected.vim1.image3);
    expectPixels(raw.images, 11, expected.vim1.val1);
    expect(raw.labels[10]).toBe("validation 1");
  });

  test("the default voxels are the named ones; a voxel with NaN is dropped with a note", async () => {
    const dataset = await loadVim1(recording("vim1"), { resolution: 16 });
    expect(dataset.train.fmri.columns).toBe(4);
    expect(dataset.notes).toContain("5 of 6 voxels: all-Other");
    expect(dataset.notes.join()).toMatch(/dropped 1 voxels with NaN/);
    expect([dataset.testRepeats, dataset.snr]).toEqual([null, null]);
    expect(dataset.notes.join()).toMatch(/one averaged response per image: there are no repeats/);
  });

  test("the other subject, and the full-resolution files in several parts", async () => {
    const raw = await readVim1(recording("vim1-full"), { subject: 2, resolution: 16, channels: 3, roi: "all" });
    closeTo(raw.responses[7]?.values, expected.vim1.S2.train[7] ?? []);
    expect(raw.images).toMatchObject({ count: 14, height: 16, channels: 3 });
    // Twice the size by repeating pixels: at its own resolution the same picture.
    const large = await readVim1(recording("vim1-full"), { resolution: 32, roi: "all" });
    const doubled = expected.vim1.image3.flatMap((_, i) => (i % 16 === 0 ? [i] : []));
    const wanted = doubled.flatMap((row) => {
      const line = expected.vim1.image3.slice(row, row + 16).flatMap((value) => [value, value]);
      return [...line, ...line];
    });
    expectPixels(large.images, 3, wanted);
  });

  test("responses and stimuli in different folders", async () => {
    const raw = await readVim1(recording("vim1-full/EstimatedResponses.mat"), {
      stimuli: recording("vim1/Stimuli.mat"),
      resolution: 16,
    });
    expectPixels(raw.images, 3, expected.vim1.image3);
  });

  test("rejects what does not fit", async () => {
    await expectDataError(() => readVim1(recording("vim1"), { subject: 3 }), /no subject 3, it holds subjects 1 and 2/);
    await expectDataError(() => readVim1(recording("god")), /god: no file of responses/);
    await expectDataError(() => readVim1(recording("vim1/Stimuli.mat")), /no subject 1, it holds no responses/);
    const some = join(folder, "some");
    mkdirSync(some);
    copyFileSync(recording("vim1/EstimatedResponses.mat"), join(some, "a.mat"));
    await expectDataError(() => readVim1(some), /some: no pictures \(stimTrn\) for 10 responses/);
    copyFileSync(recording("vim1-full/Stimuli_Trn_FullRes_01.mat"), join(some, "b.mat"));
    await expectDataError(() => readVim1(some), /some: 6 pictures \(stimTrn\) for 10 responses/);
    await expectDataError(() => readVim1(fixture("f4.npy")), /f4.npy: not a MAT 5 file/);
  });
});

describe("kay", () => {
  test("kay_images.npz", async () => {
    const raw = await readKay(recording("kay_images.npz"), { resolution: 16, roi: "all" });
    expectPixels(raw.images, 3, expected.vim1.image3);
    expectPixels(raw.images, 11, expected.vim1.val1);
    closeTo(raw.responses[4]?.values, expected.vim1.S1.train[4] ?? []);
    const dataset = await loadKay(recording("kay_images.npz"), { resolution: 8, channels: 3, roi: "V1+LatOcc" });
    expect([dataset.train.fmri.rows, dataset.test.fmri.rows, dataset.train.fmri.columns]).toEqual([10, 4, 3]);
    expect(dataset.train.images).toMatchObject({ height: 8, channels: 3 });
  });

  test("rejects other archives", async () => {
    await expectDataError(() => readKay(recording("god/images.npz")), /no array stimuli, it holds train_images/);
    await expectDataError(() => readKay(recording("god/bdpy.h5")), /not a .npz file/);
  });
});

describe("ssfmri2im", () => {
  const stimuli = recording("god/images.npz");
  test("sbj_2.npz, from its folder or by name", async () => {
    const raw = await readSsfmri2im(recording("ssfmri2im"), { stimuli, resolution: 8, roi: "all" });
    const { order, train } = expected.ssfmri2im;
    order.forEach((image, row) => {
      closeTo(raw.responses[image]?.values, train[row] ?? []);
    });
    expect(raw.responses.slice(12).map(({ rows }) => rows)).toEqual([5, 5, 5, 5]);
    expect(raw.regions?.map(({ name, voxels }) => [name, voxels.length])).toEqual([
      ["V1", 3],
      ["V2", 2],
      ["VC", 8],
      ["FFA", 1],
    ]);
    const dataset = await loadSsfmri2im(recording("ssfmri2im/sbj_2.npz"), { stimuli, resolution: 8 });
    expect(dataset.train.fmri.columns).toBe(8);
    expect(dataset.snr).toHaveLength(8);
  });

  test("the average of the repeats is what the file gives as the average", async () => {
    const raw = await readSsfmri2im(recording("ssfmri2im"), { stimuli, resolution: 8, roi: "all" });
    raw.responses.slice(12).forEach(({ rows, columns, values }, i) => {
      const mean = Array.from({ length: columns }, (_, v) => {
        let sum = 0;
        for (let r = 0; r < rows; r++) sum += values[r * columns + v] as number;
        return sum / rows;
      });
      mean.forEach((value, v) => {
        expect(Math.abs(value - (expected.ssfmri2im.averaged[i]?.[v] ?? Number.NaN))).toBeLessThan(2e-6);
      });
    });
  });

  test("rejects other files", async () => {
    await expectDataError(
      () => readSsfmri2im(recording("ssfmri2im"), { resolution: 8 }),
      /no .npz with train_images beside/,
    );
    await expectDataError(
      () => readSsfmri2im(recording("ssfmri2im"), { stimuli, subject: 4 }),
      /no file of subject 4, it holds sbj_2.npz/,
    );
    await expectDataError(
      () => readSsfmri2im(stimuli, { stimuli }),
      /images.npz: no array arr_0, it holds train_images/,
    );
    const two = join(folder, "two");
    mkdirSync(two);
    for (const name of ["sbj_1.npz", "sbj_2.npz"]) writeFileSync(join(two, name), "x");
    await expectDataError(
      () => readSsfmri2im(two, { stimuli }),
      /two: sbj_1.npz, sbj_2.npz are there\. Choose with --subject/,
    );
  });
});
