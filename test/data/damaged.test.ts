/** Files that look right and are not: what a reader makes of damage and of variants that it cannot read. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readCsvMatrix } from "../../src/data/csv.js";
import { describe as describePath } from "../../src/data/describe.js";
import { readFmriTable } from "../../src/data/fmri-table.js";
import { loadImage } from "../../src/data/images.js";
import { Npz } from "../../src/data/npz.js";
import { zScoreRuns } from "../../src/data/runs.js";
import { expectDataError, fixture, onlyDataErrorsAsync, recording, temporaryFolder } from "./helpers.js";

const { write } = temporaryFolder();
const readNpz = (file: string) => Npz.open(file).then((npz) => npz.read("arr_0").finally(() => npz.close()));
const withNumpyHead = (shape: string) => {
  const head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(118);
  return Buffer.concat([Buffer.from([0x93, 78, 85, 77, 80, 89, 1, 0, 118, 0]), Buffer.from(head)]);
};

describe("tables", () => {
  test.each<[string, string | Uint8Array, RegExp]>([
    ["a quote that is not closed", '"1,2\n3,4\n', /line 1 opens a quote and does not close it/],
    ["decimal commas", "1;2\n1,5;2\n", /line 2, column 1: "1,5" is no number. .*decimals have a point/],
    ["blanks between numbers", "1,2\n1 2\n", /line 2 has 1 cells, the first 2/],
  ])("%s", async (_, text, message) => {
    await expectDataError(() => readCsvMatrix(write("table.csv", text)), message);
  });

  test("inf, as numpy.savetxt writes it", async () => {
    const { values } = await readCsvMatrix(write("inf.csv", "inf,-inf\n+Infinity,nan\n"));
    expect(Array.from(values)).toEqual([Infinity, -Infinity, Infinity, Number.NaN]);
  });

  test.each<[string, RegExp]>([
    ["table-half.h5", /table-half.h5: fmri cannot be read \(Float16 not supported\). Save it as 32-bit or 64-bit/],
    ["table-lzf.h5", /packed by a filter that is not built in\). Save it with gzip compression, or none/],
  ])("%s", async (name, message) => {
    await expectDataError(() => readFmriTable(recording(name)), message);
  });

  test("without rows or columns, and MAT 4", async () => {
    await expectDataError(
      () => readFmriTable(write("rows.npy", withNumpyHead("0, 3"))),
      /rows.npy: the table is \[0, 3\]. Give at least one row and one voxel/,
    );
    await expectDataError(() => readFmriTable(write("columns.npy", withNumpyHead("3, 0"))), /table is \[3, 0\]/);
    await expectDataError(
      () => readFmriTable(write("four.mat", readFileSync(fixture("version4.mat")))),
      /neither NumPy, MAT nor HDF5 data. .*MAT 4 is not read/,
    );
  });

  test("an archive with one bit turned: the sum in its table says so", async () => {
    const bytes = Buffer.from(readFileSync(recording("ssfmri2im/sbj_2.npz")));
    // Within the numbers of the first array: its head has 128 bytes.
    const at = bytes.indexOf("NUMPY", bytes.indexOf("arr_0.npy")) + 400;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x40, at);
    await expectDataError(
      () => readNpz(write("bit.npz", bytes)),
      /damaged zip archive: arr_0.npy does not have the sum/,
    );
  });
});

test("a run of one row, of which z-scoring leaves nothing", async () => {
  const fmri = { rows: 3, columns: 1, values: Float32Array.of(1, 2, 5) };
  await expectDataError(
    () => zScoreRuns(fmri, ["a", "b", "a"]),
    /run b has 1 row: z-scored within its run, nothing is left/,
  );
  expect(Array.from(zScoreRuns(fmri, ["a", "a", "a"]).values)).not.toContain(Number.NaN);
});

describe("images", () => {
  test("pixels without a known range are refused, not black", async () => {
    await expectDataError(
      () => loadImage(fixture("float.tif")),
      /float.tif: its pixels are of type float. Save it with 8/,
    );
  });

  test("inspect of a damaged image", async () => {
    const bytes = readFileSync(recording("god/stimuli/n01621127_19020.JPEG"));
    await expectDataError(
      () => describePath(write("cut.jpg", bytes.subarray(0, 60))),
      /cut.jpg: not a readable image \(Input buffer has corrupt header/,
    );
  });
});

describe("MAT 5 cut or changed anywhere", () => {
  test.each(["compressed.mat", "digit69_28x28.mat", "big-endian.mat"])("%s", async (name) => {
    const whole = readFileSync(fixture(name));
    for (let at = 0; at < whole.length; at += 7) {
      await onlyDataErrorsAsync(() => describePath(write("cut.mat", whole.subarray(0, Math.max(at, 1)))));
      const changed = Buffer.from(whole);
      changed.fill(0xff, at, Math.min(at + 3, whole.length));
      await onlyDataErrorsAsync(() => describePath(write("changed.mat", changed)));
    }
  });
});

describe("HDF5 with damaged texts", () => {
  const inspect = (file: string) =>
    new Promise<{ code: unknown; err: string }>((done) => {
      const cli = resolve(import.meta.dirname, "../../dist/cli.js");
      execFile(process.execPath, [cli, "inspect", file], { timeout: 30_000 }, (error, _, err) =>
        done({ code: error?.code ?? 0, err }),
      );
    });

  // The library runs for ever on the first, and prints words of its own on the others.
  test.each<[string, number, number, number]>([
    ["zeros", 16, 400, 0],
    ["a reference to nowhere", 0, 4, 0],
    ["sizes beyond the file", 24, 8, 0xff],
  ])("%s: one line, exit code 3", async (_, from, count, value) => {
    const bytes = Buffer.from(readFileSync(recording("god-parts/Subject3_ImageNetTest.h5")));
    const heap = bytes.indexOf("GCOL");
    bytes.fill(value, heap + from, heap + from + count);
    const { code, err } = await inspect(write("texts.h5", bytes));
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(err).toMatch(/texts.h5: .*damaged.* Copy or download/);
    expect(code).toBe(3);
  });
});
