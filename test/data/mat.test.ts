import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readFmriTable } from "../../src/data/fmri-table.js";
import { Hdf5File } from "../../src/data/hdf5.js";
import { openMat, readMatMatrix, readMatNumeric, withMat } from "../../src/data/mat.js";
import { readMat5 } from "../../src/data/mat5.js";
import { expectDataError, fixture, recording, temporaryFolder } from "./helpers.js";

const { folder, write } = temporaryFolder();
const FMRI = [1, 0.5, 7, 2, 0.1, 7, 4, 0.9, 7, 1, 0.3, 7, 3, 0.4, 7, 2, 0.8, 7, 2.5, 0.7, 7].map(Math.fround);

describe("mat", () => {
  test.each(["plain.mat", "compressed.mat"])("%s by seeking: every variable as when read whole", async (name) => {
    const whole = await readMat5(fixture(name));
    await withMat(fixture(name), async (mat) => {
      expect(mat.format).toBe("MAT 5");
      expect(mat.entries.map((entry) => entry.name)).toEqual([...whole.variables.keys()]);
      for (const { name: variable } of mat.entries) {
        expect(await mat.value(variable)).toEqual(whole.variables.get(variable));
      }
      expect(mat.entries.find((entry) => entry.name === "cube")).toMatchObject({
        className: "single",
        dims: [2, 3, 4],
      });
      expect(mat.entries.find((entry) => entry.name === "cell")).toMatchObject({ className: "cell", dims: [2, 2] });
      expect(Array.from(await mat.columns("matrix", 1, 3))).toEqual([2, 5, 3, 6.5]);
    });
  });

  test("big-endian by seeking", async () => {
    await withMat(fixture("big-endian.mat"), async (mat) => {
      expect(Array.from((await readMatNumeric(mat, "w")).values as ArrayLike<number>)).toEqual([1, 4, 2, 5, 3, -600]);
    });
  });

  test("MAT 7.3: arrays, logicals, text, cells, structs, empty arrays", async () => {
    await withMat(recording("kinds73.mat"), async (mat) => {
      expect(mat.format).toBe("MAT 7.3");
      expect(mat.entries.map(({ name }) => name).sort()).toEqual(["cube", "empty", "flags", "meta", "names", "text"]);
      const cube = await readMatNumeric(mat, "cube");
      expect(cube).toMatchObject({ className: "single", dims: [2, 3, 4] });
      // Column-major: element [1, 2, 3] of 0..23 in row-major order is 23, the last; [1, 0, 0] is 12, the second.
      expect([cube.values[1], cube.values[23], cube.values[2]]).toEqual([12, 23, 4]);
      expect(await readMatNumeric(mat, "flags")).toMatchObject({ logical: true, dims: [1, 3] });
      expect(await mat.value("text")).toEqual({ kind: "text", dims: [1, 2], rows: ["hi"] });
      expect(await mat.value("empty")).toMatchObject({ kind: "numeric", dims: [0, 3] });
      const names = await mat.value("names");
      expect(names.kind === "cell" && names.items).toEqual([
        { kind: "text", dims: [1, 2], rows: ["ab"] },
        { kind: "text", dims: [1, 1], rows: ["c"] },
      ]);
      const meta = await mat.value("meta");
      expect(meta.kind === "struct" && meta.items[0]?.get("value")).toMatchObject({ dims: [1, 2] });
      await expectDataError(() => readMatMatrix(mat, "cube"), /variable cube has dimensions \[2, 3, 4\], expected 2/);
      await expectDataError(() => mat.value("none"), /kinds73.mat: no variable none, it holds cube/);
    });
  });

  test.each<[string, RegExp, () => Uint8Array | string]>([
    ["empty.mat", /empty.mat: the file is empty/, () => ""],
    ["text.mat", /text.mat: not a MAT 5 file/, () => "hello"],
    [
      "cut5.mat",
      /cut5.mat: truncated or damaged MAT file/,
      () => readFileSync(fixture("compressed.mat")).subarray(0, 700),
    ],
    [
      "cut73.mat",
      /cut73.mat: truncated or damaged HDF5 file/,
      () => readFileSync(recording("kinds73.mat")).subarray(0, 900),
    ],
  ])("rejects %s", async (name, message, content) => {
    const path = write(name, content());
    await expectDataError(() => openMat(path), message);
  });
});

describe("hdf5", () => {
  test("rejects what is not there or of another kind", async () => {
    const file = await Hdf5File.open(recording("god/bdpy.h5"));
    expect(file.keys()).toEqual(["dataset", "header", "metadata"]);
    expect(file.keys("nothing")).toEqual([]);
    expect(file.kind("metadata")).toBe("group");
    expect(file.attribute("dataset", "nothing")).toBeNull();
    expect(file.texts("metadata/key").slice(0, 2)).toEqual(["VoxelData", "DataType"]);
    const corner = [
      [0, 2],
      [0, 1],
    ] as const;
    expect(file.numbers("dataset", corner)).toEqual(Float64Array.of(1, 1));
    await expectDataError(() => file.numbers("nothing"), /bdpy.h5: no dataset nothing, the file holds dataset, header/);
    await expectDataError(() => file.numbers("metadata/key"), /metadata\/key holds no numbers/);
    await expectDataError(() => file.texts("dataset"), /dataset holds no text/);
    file.close();
    await expectDataError(() => Hdf5File.open(`${folder}/none.h5`), /none.h5: no such file/);
  });
});

describe("tables of fMRI", () => {
  test.each([recording("table73.mat"), recording("table.h5"), recording("table.npz"), fixture("fmri.mat")])(
    "%s",
    async (path) => {
      expect(await readFmriTable(path)).toEqual({ rows: 7, columns: 3, values: Float32Array.from(FMRI) });
    },
  );

  test("the content counts, not the name", async () => {
    const path = write("really-hdf5.csv", readFileSync(recording("table.h5")));
    expect((await readFmriTable(path)).rows).toBe(7);
  });

  test("rejects several tables, none, and other data", async () => {
    await expectDataError(
      () => readFmriTable(recording("two-tables.h5")),
      /two-tables.h5: it holds a, b and nothing called fmri/,
    );
    await expectDataError(
      () => readFmriTable(recording("god/images.npz")),
      /holds train_images, test_images and nothing/,
    );
    await expectDataError(() => readFmriTable(fixture("digit69-label.mat")), /nothing called fmri/);
    await expectDataError(() => readFmriTable(write("x.h5", "text")), /x.h5: neither NumPy, MAT nor HDF5 data/);
  });
});
