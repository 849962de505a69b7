import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openBData } from "../../src/data/bdata.js";
import { loadGod, readGod } from "../../src/data/god.js";
import { readGodTable } from "../../src/data/god-table.js";
import { stimulusOfName, stimulusOfNumber } from "../../src/data/stimulus-id.js";
import { expectDataError, recording } from "./helpers.js";

const expected = JSON.parse(readFileSync(recording("expected.json"), "utf8")) as {
  god: { train: number[][]; test: number[][]; trainNames: string[]; testNames: string[]; keptVoxels: number[] };
  godImages: { train: number[]; test: number[] };
};
const npz = recording("god/images.npz");
const jpegs = recording("god/stimuli");
const rowsOf = ({ rows, columns, values }: { rows: number; columns: number; values: Float32Array }) =>
  Array.from({ length: rows }, (_, r) => Array.from(values.subarray(r * columns, (r + 1) * columns)));

function expectClose(found: readonly (readonly number[])[], wanted: readonly (readonly number[])[], tolerance: number) {
  expect(found.map((row) => row.length)).toEqual(wanted.map((row) => row.length));
  const worst = Math.max(
    ...found.flatMap((row, r) => row.map((value, c) => Math.abs(value - (wanted[r]?.[c] ?? NaN)))),
  );
  expect(worst).toBeLessThan(tolerance);
}

describe("god", () => {
  // Expected values are written with 6 decimals, and the scaled ones (up to 2) are f32.
  test.each(["brainliner.mat", "figshare.mat", "bdpy.h5", "bdpy-2017.h5"])("%s: the same dataset", async (name) => {
    const dataset = await loadGod(recording(`god/${name}`), { stimuli: npz, resolution: 8 });
    expect([...dataset.train.labels].sort()).toEqual([...expected.god.trainNames].sort());
    const order = (labels: readonly string[], names: readonly string[]) => labels.map((label) => names.indexOf(label));
    const train = order(dataset.train.labels, expected.god.trainNames);
    const tested = order(dataset.test.labels, expected.god.testNames);
    expectClose(
      rowsOf(dataset.train.fmri),
      train.map((i) => expected.god.train[i] ?? []),
      2e-6,
    );
    expectClose(
      rowsOf(dataset.test.fmri),
      tested.map((i) => expected.god.test[i] ?? []),
      2e-6,
    );
    expect(dataset.testRepeats?.map(({ rows }) => rows)).toEqual([5, 5, 5, 5]);
    expect(dataset.snr).toHaveLength(11);
    const third = dataset.train.labels.indexOf(expected.god.trainNames[3] ?? "");
    expectClose(
      [Array.from(dataset.train.images.pixels.subarray(third * 192, (third + 1) * 192))],
      [expected.godImages.train],
      1e-6,
    );
    const first = dataset.test.labels.indexOf(expected.god.testNames[1] ?? "");
    expectClose(
      [Array.from(dataset.test.images.pixels.subarray(first * 192, (first + 1) * 192))],
      [expected.godImages.test],
      1e-6,
    );
    expect(dataset.notes).toContain("9 runs, each z-scored per voxel");
    expect(dataset.notes).toContain("4 trials of other types (imagery) are left out");
    expect(dataset.notes).toContain("13 of 15 voxels: VC");
    expect(dataset.notes.join("\n")).toMatch(/dropped 1 voxels with NaN or infinity and 1 constant over .*; 11 remain/);
  });

  test("stimuli as ImageNet files, nested, some in colour at other sizes", async () => {
    const raw = await readGod(recording("god/bdpy.h5"), { stimuli: jpegs, resolution: 8 });
    const { images } = await readGod(recording("god/bdpy.h5"), { stimuli: npz, resolution: 8 });
    // A folder that holds the archive and its lists does as well.
    const folder = mkdtempSync(join(tmpdir(), "voxpix-pictures-"));
    for (const name of ["images.npz", "imageID_training.csv", "imageID_test.csv"]) {
      copyFileSync(recording(`god/${name}`), join(folder, name));
    }
    const inFolder = await readGod(recording("god/brainliner.mat"), { stimuli: folder, resolution: 8 });
    const named = await readGod(recording("god/brainliner.mat"), { stimuli: npz, resolution: 8 });
    expect(inFolder.images.pixels).toEqual(named.images.pixels);
    // Files under the pictures' own names are taken before it.
    cpSync(jpegs, join(folder, "jpegs"), { recursive: true });
    expect((await readGod(recording("god/bdpy.h5"), { stimuli: folder, resolution: 8 })).images.pixels).toEqual(
      raw.images.pixels,
    );
    rmSync(folder, { recursive: true });
    expect(raw.images).toMatchObject({ count: 16, height: 8, width: 8, channels: 3 });
    // The files are the middle 16 of 24 columns; JPEG and resampling leave the same picture within a few grey levels.
    const mean = (pixels: Float32Array) => pixels.reduce((a, b) => a + b, 0) / pixels.length;
    expect(Math.abs(mean(raw.images.pixels) - mean(images.pixels))).toBeLessThan(0.05);
  });

  test.each<[string, string, number[]]>([
    ["V1+V2", "union", [0, 1, 2, 3, 4, 5, 6]],
    ["VC-LVC", "difference", [9, 10, 11, 12]],
    ["ROI_LVC & roi_v4", "intersection", [7, 8]],
    ["/^V[12]$/", "pattern", [0, 1, 2, 3, 4, 5, 6]],
    ["all - VC", "complement", [13, 14]],
    ["ffa", "one", [9, 10]],
  ])("--roi %s (%s)", async (roi, _, voxels) => {
    const all = await readGod(recording("god/bdpy.h5"), { stimuli: npz, resolution: 8, roi: "all" });
    const some = await readGod(recording("god/bdpy.h5"), { stimuli: npz, resolution: 8, roi });
    const row = (values: Float32Array | undefined) => Array.from(values ?? []);
    expect(row(some.responses[12]?.values.subarray(0, voxels.length))).toEqual(
      voxels.map((v) => row(all.responses[12]?.values)[v]),
    );
    expect(some.responses[0]?.columns).toBe(voxels.length);
  });

  test.each<[string, RegExp]>([
    ["V9", /--roi V9: there is no region V9, the recording has V1 4, V2 3, V4 2/],
    ["V1+", /--roi V1\+: not a list of regions/],
    ["V1 V2", /not a list of regions/],
    ["V1-V1", /no voxel is left/],
    ["/[/", /no valid pattern/],
    ["/Q/", /there is no region \/Q\//],
    ["", /not a list of regions/],
  ])("rejects --roi %s", async (roi, message) => {
    await expectDataError(() => readGod(recording("god/bdpy.h5"), { stimuli: npz, resolution: 8, roi }), message);
  });

  test.each<[string, RegExp]>([
    ["no-values", /broken-no-values.h5: no BData: metadata has no key and value/],
    ["no-data", /broken-no-data.h5: no BData: it holds metadata/],
    ["count", /no BData: metadata of \[\d+, 19\] for \d+ keys and 20 columns/],
    ["no-type", /no metadata key DataType, there are VoxelData, Typo/],
    ["no-stimuli", /no column of stimulus_name, stimulus_id or Label says which picture was seen/],
    ["text", /dataset is no array of numbers/],
    ["no-voxels", /no column is a voxel/],
    ["leak", /picture n\d+_\d+ was shown in training and in test/],
  ])("rejects a file with %s", async (name, message) => {
    await expectDataError(() => readGod(recording(`god/broken-${name}.h5`), { stimuli: npz, resolution: 8 }), message);
  });

  test("a transposed table is read by what its metadata says", async () => {
    const [turned, usual] = await Promise.all(
      ["broken-transposed.h5", "bdpy.h5"].map((name) =>
        readGod(recording(`god/${name}`), { stimuli: npz, resolution: 8 }),
      ),
    );
    expect(turned?.responses).toEqual(usual?.responses);
  });

  test("rejects truncated files, other files, missing pictures and lists", async () => {
    const folder = mkdtempSync(join(tmpdir(), "voxpix-god-"));
    afterAll(() => rmSync(folder, { recursive: true }));
    const cut = async (name: string, keep: number) => {
      const path = join(folder, name);
      const { writeFileSync } = await import("node:fs");
      writeFileSync(path, readFileSync(recording(`god/${name}`)).subarray(0, keep));
      return path;
    };
    const options = { stimuli: npz, resolution: 8 };
    await expectDataError(
      async () => readGod(await cut("bdpy.h5", 3000), options),
      /truncated or damaged HDF5 file \(/,
    );
    await expectDataError(
      async () => readGod(await cut("figshare.mat", 9000), options),
      /truncated or damaged|cannot be read/,
    );
    await expectDataError(
      async () => readGod(await cut("brainliner.mat", 2000), options),
      /truncated or damaged MAT file/,
    );
    await expectDataError(() => readGod(npz, options), /neither a MAT nor an HDF5 file/);
    await expectDataError(() => readGod(recording("table73.mat"), options), /table73.mat: no BData: it holds fmri/);
    await expectDataError(() => readGod(join(folder, "none.h5"), options), /none.h5: no such file/);
    const some = join(folder, "some");
    mkdirSync(some);
    copyFileSync(join(jpegs, "n01518878_5958.JPEG"), join(some, "n01518878_5958.JPEG"));
    await expectDataError(
      () => readGod(recording("god/bdpy.h5"), { ...options, stimuli: some }),
      /some: 15 of 16 pictures are missing, first n01443537_16, n01443537_22563/,
    );
    copyFileSync(npz, join(folder, "images.npz"));
    await expectDataError(
      () => readGod(recording("god/brainliner.mat"), { ...options, stimuli: join(folder, "images.npz") }),
      /images.npz: the recording names its pictures, and no list of 12 .*imageID_training.csv/,
    );
    await expectDataError(
      () => readGod(recording("god/bdpy.h5"), { ...options, stimuli: recording("kay_images.npz") }),
      /kay_images.npz: no array train_images, it holds stimuli/,
    );
  });

  test("runs, repeats and types of a file", async () => {
    const data = await openBData(recording("god/figshare.mat"));
    expect([data.format, data.samples, data.columns]).toEqual(["MAT 7.3", 36, 20]);
    const table = await readGodTable(data);
    expect(new Set(table.train.runs).size).toBe(4);
    expect(table.test.stimuli).toHaveLength(20);
    expect(table.others).toBe(4);
    expect(table.voxels).toHaveLength(15);
    expect(table.regions.map(({ name }) => name)).toEqual(["V1", "V2", "V4", "FFA", "LVC", "HVC", "VC"]);
    expect(data.metadata("voxel_x")[2]).toBe(-13);
    await data.close();
  });
});

describe("stimulus names", () => {
  test.each<[number, string | null]>([
    [1518878.005958, "n01518878_5958"],
    [1443537.022563, "n01443537_22563"],
    [1443537.000016, "n01443537_16"],
    [13111881.00004, "n13111881_40"],
    [4533802.999999, "n04533802_999999"],
    [1518878, null],
    [5, null],
    [Number.NaN, null],
    [-1.5, null],
  ])("%d is %s", (value, name) => expect(stimulusOfNumber(value)).toBe(name));

  test.each<[string, string | null]>([
    ["n01518878/n01518878_5958.JPEG", "n01518878_5958"],
    ["n1518878_005958.jpg", "n01518878_5958"],
    ['"n01518878_5958.JPEG"', "n01518878_5958"],
    ["ILSVRC2012_val_00000001.JPEG", null],
    ["photo.jpg", null],
  ])("%s is %s", (name, stimulus) => expect(stimulusOfName(name)).toBe(stimulus));
});
