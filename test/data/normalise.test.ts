import { describe, expect, test } from "vitest";
import { checkPairing } from "../../src/data/check-raw.js";
import type { Matrix, RawDataset } from "../../src/data/dataset.js";
import {
  averageRepeats,
  normalise,
  selectColumns,
  signalToNoise,
  usableVoxels,
  voxelStatistics,
  zScore,
} from "../../src/data/normalise.js";
import { HostRandom } from "../../src/data/random.js";
import { expectDataError } from "./helpers.js";

const matrix = (rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  columns: rows[0]?.length ?? 0,
  values: Float32Array.from(rows.flat()),
});

/** Recordings of `responses`, one image of one pixel each; the first `trainCount` images train. */
function recordings(responses: readonly Matrix[], trainCount: number): RawDataset {
  const indices = responses.map((_, i) => i);
  const pixels = Float32Array.from(indices, (i) => i / responses.length);
  return {
    name: "tiny",
    images: { count: responses.length, height: 1, width: 1, channels: 1, pixels },
    labels: indices.map((i) => `image ${i}`),
    responses,
    classes: null,
    groups: null,
    split: { train: indices.slice(0, trainCount), test: indices.slice(trainCount) },
    unlabeledImages: null,
    notes: ["read"],
  };
}

describe("normalise: steps", () => {
  test("averages repeats, also unequal numbers of them", () => {
    expect(
      averageRepeats([
        matrix([[1, 2]]),
        matrix([
          [1, 5],
          [3, 7],
          [5, 0],
        ]),
      ]),
    ).toEqual(
      matrix([
        [1, 2],
        [3, 4],
      ]),
    );
  });

  test("selects columns", () => {
    expect(
      selectColumns(
        matrix([
          [1, 2, 3],
          [4, 5, 6],
        ]),
        [2, 0],
      ),
    ).toEqual(
      matrix([
        [3, 1],
        [6, 4],
      ]),
    );
  });

  test("population statistics and z-scores", () => {
    const data = matrix([
      [1, 10],
      [3, 10],
      [5, 10],
    ]);
    const statistics = voxelStatistics(data);
    expect(Array.from(statistics.mean)).toEqual([3, 10]);
    expect(statistics.sd[0]).toBeCloseTo(Math.sqrt(8 / 3), 12);
    const scaled = zScore(data, statistics);
    expect(scaled.values[0]).toBeCloseTo(-2 / Math.sqrt(8 / 3), 6);
    expect(scaled.values[1]).toBe(0);
  });

  test("a constant that f64 sums cannot hold exactly still has sd 0", () => {
    const data = matrix(Array.from({ length: 7 }, () => [0.1]));
    expect(voxelStatistics(data)).toEqual({ mean: Float64Array.of(Math.fround(0.1)), sd: Float64Array.of(0) });
  });

  test("finds voxels that cannot be used", () => {
    const train = matrix([
      [1, Number.NaN, 0.1, 4, 5],
      [2, 1, 0.1, 5, 6],
    ]);
    const test1 = matrix([[1, 1, 1, Number.POSITIVE_INFINITY, 1]]);
    expect(usableVoxels(train, [test1])).toEqual({ indices: [0, 4], notFinite: 2, constant: 1 });
  });

  test("signal-to-noise: variance of the means over the mean variance within", () => {
    // Voxel 0: means 1 and 5 (variance 4), variances within 1 and 4 (mean 2.5). Voxel 1 never differs within an image.
    const repeats = [
      matrix([
        [0, 1],
        [2, 1],
      ]),
      matrix([
        [3, 2],
        [7, 2],
      ]),
    ];
    expect(Array.from(signalToNoise(repeats))).toEqual([Math.fround(4 / 2.5), 0]);
  });

  test("signal-to-noise of a long simulated recording is the one it was made with, plus 1/repeats", () => {
    const random = new HostRandom(0);
    const repeats = Array.from({ length: 400 }, () => {
      const signal = random.normal();
      return matrix(Array.from({ length: 20 }, () => [signal + 2 * random.normal()]));
    });
    expect(signalToNoise(repeats)[0]).toBeCloseTo(1 / 4 + 1 / 20, 1);
  });

  test.each<[string, Matrix[], RegExp]>([
    ["one image", [matrix([[1], [2]])], /needs 2 images with 2 repeats each, got 1 with 2/],
    ["one repeat", [matrix([[1], [2]]), matrix([[1]])], /needs 2 images with 2 repeats each, got 2 with 1/],
    ["nothing", [], /got 0 with 0/],
    ["copies", [matrix([[1], [1]]), matrix([[2], [2]])], /repeats of every test image are equal/],
  ])("signal-to-noise rejects %s", async (_, repeats, message) => {
    await expectDataError(() => signalToNoise(repeats), message);
  });

  test("rejects images and fMRI that do not pair", async () => {
    const { images } = recordings([matrix([[1]]), matrix([[2]])], 1);
    expect(checkPairing("x", images, 2)).toBeUndefined();
    await expectDataError(() => checkPairing("x.npy", images, 3), /x.npy: 2 images but fMRI of 3/);
    await expectDataError(() => checkPairing("x.npy", { ...images, count: 0 }, 0), /x.npy: 0 images but fMRI of 0/);
  });
});

describe("normalise: a dataset", () => {
  const NaN_ = Number.NaN;
  const responses = [
    matrix([[0, 1, 7, 1]]),
    matrix([
      [1, NaN_, 7, 2],
      [3, NaN_, 7, 4],
    ]),
    matrix([[4, 3, 7, 8]]),
    matrix([
      [2, 1, 7, 1],
      [6, 1, 8, 2],
    ]),
    matrix([
      [1, 1, 7, 1],
      [1, 1, 9, 3],
    ]),
  ];
  const { dataset, voxelIndices } = normalise(recordings(responses, 3));
  const sd = Math.sqrt(8 / 3);

  test("drops NaN and constant voxels and says so", () => {
    expect(voxelIndices).toEqual([0, 3]);
    expect(dataset.notes).toEqual([
      "read",
      "dropped 1 voxels with NaN or infinity and 1 constant over the training images; 2 remain",
    ]);
  });

  test("z-scores training means, and test rows with the training statistics", () => {
    const voxel0 = (fmri: Matrix) => Array.from({ length: fmri.rows }, (_, i) => fmri.values[i * 2] ?? 9);
    const expected = (values: number[]) => values.map((v) => Math.fround((v - 2) / sd));
    expect(voxel0(dataset.train.fmri)).toEqual(expected([0, 2, 4]));
    expect(voxel0(dataset.test.fmri).map(Math.fround)).toEqual([expected([4])[0], expected([1])[0]]);
    expect(dataset.testRepeats?.map(voxel0)).toEqual([expected([2, 6]), expected([1, 1])]);
  });

  test("keeps images and labels with their rows, and measures the noise", () => {
    expect(dataset.train.labels).toEqual(["image 0", "image 1", "image 2"]);
    expect(dataset.test.labels).toEqual(["image 3", "image 4"]);
    expect(Array.from(dataset.test.images.pixels)).toEqual([Math.fround(0.6), Math.fround(0.8)]);
    // Voxel 0: means 4 and 1 (variance 2.25), within 4 and 0 (mean 2).
    expect(dataset.snr?.[0]).toBeCloseTo(2.25 / 2, 5);
  });

  test("own statistics: the test rows end with mean 0 and standard deviation 1", () => {
    const own = normalise(recordings(responses, 3), undefined, { testStatistics: "own" }).dataset;
    const rows = (own.testRepeats ?? []).flatMap((m) => [m.values[0] ?? 9, m.values[2] ?? 9]);
    expect(rows.reduce((a, b) => a + b) / 4).toBeCloseTo(0, 6);
    expect(rows.reduce((a, b) => a + b * b, 0) / 4).toBeCloseTo(1, 5);
    expect(own.train.fmri).toEqual(dataset.train.fmri);
  });

  test("without repeats there are none, and no signal-to-noise ratio", () => {
    const single = normalise(recordings([matrix([[1]]), matrix([[2]]), matrix([[3]]), matrix([[4]])], 3)).dataset;
    expect(single).toMatchObject({ testRepeats: null, snr: null, notes: ["read"] });
  });

  test("says why repeats give no signal-to-noise ratio", () => {
    const note = (more: Matrix[]) =>
      normalise(recordings([matrix([[1]]), matrix([[2]]), matrix([[3]]), ...more], 3)).dataset;
    const copies = note([matrix([[0.1], [0.1], [0.1]]), matrix([[4], [4], [4]])]);
    expect(copies.notes[1]).toMatch(/the repeats of every test image are equal/);
    expect(copies.snr).toBeNull();
    expect(note([matrix([[1], [2]])]).notes[1]).toMatch(/needs two test images, and two repeats of each/);
  });

  const raw = recordings(responses, 3);
  test.each<[string, RawDataset, RegExp]>([
    ["too few recordings", { ...raw, responses: responses.slice(1) }, /tiny: 5 images but fMRI of 4/],
    [
      "uneven voxels",
      { ...raw, responses: [...responses.slice(0, 4), matrix([[1]])] },
      /image 4 \(image 4\) has fMRI \[1, 1\], expected at least one row of 4/,
    ],
    [
      "an empty recording",
      { ...raw, responses: [...responses.slice(0, 4), { rows: 0, columns: 4, values: new Float32Array(0) }] },
      /has fMRI \[0, 4\]/,
    ],
    ["two training images", { ...raw, split: { train: [0, 1], test: [2] } }, /2 training and 1 test images/],
    ["no test image", { ...raw, split: { train: [0, 1, 2], test: [] } }, /3 training and 0 test images/],
    [
      "an image in both",
      { ...raw, split: { train: [0, 1, 2], test: [1] } },
      /image 1 \(image 1\) is in training and test/,
    ],
    ["an image that is not there", { ...raw, split: { train: [0, 1, 2], test: [5] } }, /the split names image 5 of 5/],
    [
      "no usable voxel",
      recordings([matrix([[1, NaN_]]), matrix([[1, 2]]), matrix([[1, 2]]), matrix([[1, 2]])], 3),
      /no usable voxel, 1 hold NaN or infinity and 1 are constant/,
    ],
  ])("rejects %s", async (_, bad, message) => {
    await expectDataError(() => normalise(bad), message);
  });
});
