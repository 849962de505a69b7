import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { parseCsv, readCsvMatrix } from "../../src/data/csv.js";
import { loadFolder, readFolder } from "../../src/data/folder.js";
import { encodeNpy } from "../../src/data/npy.js";
import { expectDataError, fixture, recording, temporaryFolder } from "./helpers.js";

const SMALL = { resolution: 4 } as const;
const SPLIT = "name,split\na,train\nb.png,train\nc,train\nd,test\nd,test\ne,test\ne,test\n";
const FMRI = [
  [1, 0.5, 7],
  [2, 0.1, 7],
  [4, 0.9, 7],
  [1, 0.3, 7],
  [3, 0.4, 7],
  [2, 0.8, 7],
  [2.5, 0.7, 7],
];
const asCsv = (rows: readonly (readonly (number | string)[])[]) => rows.map((row) => row.join(",")).join("\n");

/** A folder of five images and seven rows, with `files` over the usual ones; `null` leaves a file out. */
async function recordings(files: Record<string, string | Uint8Array | null> = {}): Promise<string> {
  const { folder } = temporaryFolder();
  mkdirSync(join(folder, "images"));
  const names = ["a.png", "b.png", "c.png", "d.png", "e.png"];
  const picture = (i: number) =>
    sharp({ create: { width: 6, height: 5, channels: 3, background: { r: 50 * i, g: 9, b: 9 } } });
  for (const [i, name] of names.entries())
    writeFileSync(join(folder, "images", name), await picture(i).png().toBuffer());
  const all = { "split.csv": SPLIT, "fmri.csv": asCsv(FMRI), ...files };
  for (const [name, content] of Object.entries(all)) if (content !== null) writeFileSync(join(folder, name), content);
  return folder;
}

describe("folder", () => {
  test("images in name order, each with its rows", async () => {
    const raw = await readFolder(await recordings(), SMALL);
    expect(raw.labels).toEqual(["a.png", "b.png", "c.png", "d.png", "e.png"]);
    expect(raw.images).toMatchObject({ count: 5, height: 4, width: 4, channels: 3 });
    expect(raw.images.pixels[2 * 48]).toBeCloseTo(100 / 255, 6);
    expect(raw.split).toEqual({ train: [0, 1, 2], test: [3, 4] });
    expect(raw.responses.map(({ rows }) => rows)).toEqual([1, 1, 1, 2, 2]);
    expect(Array.from(raw.responses[3]?.values ?? [])).toEqual([1, 0.3, 7, 3, 0.4, 7].map(Math.fround));
    expect(raw.unlabeledImages).toBeNull();
  });

  test("as a dataset: repeats averaged, the constant voxel dropped", async () => {
    const dataset = await loadFolder(await recordings(), { ...SMALL, channels: 1 });
    expect([dataset.train.fmri.rows, dataset.train.fmri.columns, dataset.test.fmri.rows]).toEqual([3, 2, 2]);
    expect(dataset.testRepeats).toHaveLength(2);
    expect(dataset.snr).toHaveLength(2);
    expect(dataset.notes[0]).toMatch(/dropped 0 voxels with NaN or infinity and 1 constant/);
    expect(dataset.train.images.channels).toBe(1);
  });

  test("fMRI as npy or mat, split as JSON, rows in any order, unlabeled images", async () => {
    const npy = encodeNpy(Float32Array.from(FMRI.flat()), [7, 3]);
    const order = ["e", "d", "a", "b", "c", "d", "e"];
    const json = order.map((name) => ({ name, split: name < "d" ? "train" : "test" }));
    const files = { "fmri.csv": null, "fmri.npy": npy, "split.csv": null, "split.json": JSON.stringify(json) };
    const folder = await recordings(files);
    mkdirSync(join(folder, "unlabeled"));
    const extra = await sharp({ create: { width: 9, height: 9, channels: 3, background: "blue" } })
      .png()
      .toBuffer();
    writeFileSync(join(folder, "unlabeled", "x.png"), extra);
    const raw = await readFolder(folder, SMALL);
    expect(Array.from(raw.responses[4]?.values ?? [])).toEqual([1, 0.5, 7, 2.5, 0.7, 7].map(Math.fround));
    const mat = await readFolder(
      await recordings({ "fmri.csv": null, "fmri.mat": readFileSync(fixture("fmri.mat")) }),
      SMALL,
    );
    expect(mat.responses).toEqual((await readFolder(await recordings(), SMALL)).responses);
    expect(raw.unlabeledImages).toMatchObject({ count: 1, height: 4, width: 4, channels: 3 });
  });

  test("runs in the split: each z-scored per voxel; regions", async () => {
    const runs = SPLIT.split("\n").map((line, i) => (i === 0 ? `${line},run` : line && `${line},${i < 4 ? "a" : "b"}`));
    const rois = "V1,V2\n1,0\n1,1\n0,0\n";
    const raw = await readFolder(await recordings({ "split.csv": runs.join("\n"), "rois.csv": rois }), SMALL);
    const train = raw.split.train.map((i) => raw.responses[i]?.values[0] ?? Number.NaN);
    const sd = Math.sqrt(14 / 9);
    train.forEach((value, i) => {
      expect(value).toBeCloseTo(([1, 2, 4][i] as number) / sd - 7 / 3 / sd, 6);
    });
    expect(raw.responses[0]?.values[2]).toBe(0);
    expect(raw.notes).toEqual(["2 runs, each z-scored per voxel"]);
    expect(raw.regions).toEqual([
      { name: "V1", voxels: [0, 1] },
      { name: "V2", voxels: [1] },
    ]);
    const json = SPLIT.trim()
      .split("\n")
      .slice(1)
      .map((line, i) => {
        const [name, split] = line.split(",");
        return { name, split, run: i < 3 ? 1 : 2 };
      });
    const again = await readFolder(await recordings({ "split.csv": null, "split.json": JSON.stringify(json) }), SMALL);
    expect(again.responses).toEqual(raw.responses);
  });

  test("fMRI as HDF5, MAT 7.3 and npz", async () => {
    const usual = (await readFolder(await recordings(), SMALL)).responses;
    for (const [name, file] of Object.entries({
      "fmri.h5": "table.h5",
      "fmri.mat": "table73.mat",
      "fmri.npz": "table.npz",
    })) {
      const folder = await recordings({ "fmri.csv": null, [name]: readFileSync(recording(file)) });
      expect((await readFolder(folder, SMALL)).responses).toEqual(usual);
    }
  });

  const split = (line: string) => SPLIT.replace("c,train", line);
  test.each<[string, Record<string, string | Uint8Array | null>, RegExp]>([
    ["a row without its run", { "split.csv": split("c,train,1") }, /split.csv: line 2 names no run, other lines do/],
    [
      "regions of other voxels",
      { "rois.csv": "V1\n1\n" },
      /rois.csv: 1 rows under its names, but the fMRI has 3 voxels/,
    ],
    ["a region that is no flag", { "rois.csv": "V1\n1\n2\n0\n" }, /rois.csv: line 3: "2", expected 0 or 1/],
    ["a ragged region", { "rois.csv": "V1,V2\n1,0\n1\n0,0\n" }, /rois.csv: line 3: 1 cells under 2 names/],
    ["no split", { "split.csv": null }, /none of split.csv, split.json is there/],
    ["two splits", { "split.json": "[]" }, /both split.csv and split.json are there/],
    ["no fMRI", { "fmri.csv": null }, /none of fmri.npy, fmri.npz, fmri.csv, fmri.mat, fmri.h5 is there/],
    ["two fMRI files", { "fmri.npy": "x" }, /both fmri.csv and fmri.npy are there/],
    ["an unknown image", { "split.csv": split("z,train") }, /split.csv: line 4: no image z in .*images/],
    ["an image without a row", { "split.csv": split("b,train") }, /images\/c.png: in no row of .*split.csv.*unlabeled/],
    ["a side that is none", { "split.csv": split("c,val") }, /line 4: "val" for c, expected train or test/],
    ["a missing side", { "split.csv": split("c") }, /line 4: "" for c, expected train or test/],
    ["an image on both sides", { "split.csv": split("d,train") }, /line 5: d is in training and test/],
    ["too few rows", { "fmri.csv": asCsv(FMRI.slice(1)) }, /fmri.csv: \[6, 3\], but .*split.csv has 7 rows.*transpose/],
    [
      "a row of NaN",
      { "fmri.csv": asCsv([...FMRI.slice(0, 6), ["nan", "", "NaN"]]) },
      /fmri.csv: row 7 holds no finite number/,
    ],
    ["a word", { "fmri.csv": asCsv([...FMRI.slice(0, 6), [1, "two", 3]]) }, /line 7, column 2: "two" is no number/],
    ["a ragged row", { "fmri.csv": asCsv([...FMRI.slice(0, 6), [1, 2]]) }, /line 7 has 2 cells, the first 3/],
    ["a header alone", { "fmri.csv": "v1,v2,v3\n" }, /has a header but no numbers/],
    ["an empty fMRI file", { "fmri.csv": "" }, /fmri.csv: the file is empty/],
    ["a blank fMRI file", { "fmri.csv": " \n\n" }, /fmri.csv: the table has no row/],
    ["a binary table", { "fmri.csv": Uint8Array.of(0, 1, 2) }, /fmri.csv: not a text file/],
    [
      "an npy of 3 dimensions",
      { "fmri.csv": null, "fmri.npy": encodeNpy(new Float32Array(8), [2, 2, 2]) },
      /expected 2 dimensions/,
    ],
    [
      "a truncated npy",
      { "fmri.csv": null, "fmri.npy": encodeNpy(new Float32Array(6), [2, 3]).subarray(0, 99) },
      /truncated/,
    ],
    ["a mat that is none", { "fmri.csv": null, "fmri.mat": "text" }, /fmri.mat: neither NumPy, MAT nor HDF5 data/],
    ["broken JSON", { "split.csv": null, "split.json": "[{" }, /split.json: not JSON/],
    ["JSON that is no list", { "split.csv": null, "split.json": "{}" }, /split.json: not a list/],
    [
      "a JSON entry without split",
      { "split.csv": null, "split.json": '[{"name":"a"}]' },
      /entry 1 has no name or split/,
    ],
  ])("rejects %s", async (_, files, message) => {
    const folder = await recordings(files);
    await expectDataError(() => readFolder(folder, SMALL), message);
  });

  test("rejects a name that fits two images, no images, and no folder", async () => {
    const folder = await recordings();
    writeFileSync(join(folder, "images", "a.jpg"), "x");
    await expectDataError(() => readFolder(folder, SMALL), /line 2: a may be a.jpg or a.png/);
    rmSync(join(folder, "images"), { recursive: true });
    await expectDataError(() => readFolder(folder, SMALL), /images: no such file or folder/);
    await expectDataError(() => readFolder(fixture("f4.npy"), SMALL), /no such file or folder/);
    await expectDataError(() => readFolder(folder, { resolution: 0 }), /resolution is 0/);
  });
});

describe("csv", () => {
  test("separators, quotes, line ends, a byte-order mark", () => {
    const cells = (text: string) => parseCsv(new TextEncoder().encode(text), "x").map((row) => row.cells);
    expect(cells('\ufeffa;"b;c"\r\n\r\n 1 ;"say ""hi"""\n')).toEqual([
      ["a", "b;c"],
      ["1", 'say "hi"'],
    ]);
    expect(cells("a\tb,c\n")).toEqual([["a", "b,c"]]);
    expect(cells("a,,")).toEqual([["a", "", ""]]);
  });

  test("a matrix with a header and missing values", async () => {
    const { write } = temporaryFolder();
    const { rows, columns, values } = await readCsvMatrix(write("m.csv", "v1,v2\n1,\n-2e3,nan\n"));
    expect([rows, columns, Array.from(values)]).toEqual([2, 2, [1, Number.NaN, -2000, Number.NaN]]);
  });
});
