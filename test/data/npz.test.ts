import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryBytes } from "../../src/data/file-bytes.js";
import { Npz } from "../../src/data/npz.js";
import { expectDataError, fixture, onlyDataErrorsAsync, temporaryFolder } from "./helpers.js";

const { write } = temporaryFolder();
const SIX = [1, 2, 3, 4, 5, 6];

describe("npz", () => {
  test.each(["stored.npz", "deflated.npz", "zip64.npz"])("%s", async (name) => {
    const npz = await Npz.open(fixture(name));
    expect(npz.names).toEqual(["a", "b", "fortran", "names", "mask"]);
    expect(await npz.header("a")).toMatchObject({ descr: "<f4", shape: [2, 3], fortran: false });
    expect(await npz.read("a")).toEqual({ dtype: "f4", shape: [2, 3], values: Float32Array.from(SIX) });
    expect(await npz.read("b")).toMatchObject({ dtype: "i8", shape: [5] });
    expect(await npz.read("mask")).toEqual({ dtype: "b1", shape: [3], values: Uint8Array.of(1, 0, 1) });
    expect(await npz.rows("a", 1, 2)).toEqual({ dtype: "f4", shape: [1, 3], values: Float32Array.of(4, 5, 6) });
    expect(await npz.rows("a", 2, 2)).toEqual({ dtype: "f4", shape: [0, 3], values: new Float32Array(0) });
    expect(await npz.rows("fortran", 0, 1)).toEqual({ dtype: "f8", shape: [1, 3], values: Float64Array.of(1, 2, 3) });
    expect(await npz.texts("names")).toEqual(["Other", "V1", "LatOcc"]);
    await expectDataError(() => npz.read("c"), /d?.npz: no array c, it holds a, b, fortran, names, mask/);
    await expectDataError(() => npz.read("names"), /names.npy: dtype <U6 is not supported/);
    await expectDataError(() => npz.texts("a"), /a.npy: no array of text, but <f4 of \[2, 3\]/);
    await expectDataError(() => npz.rows("a", 1, 3), /a.npy: rows 1 to 3 of 2/);
    await npz.close();
  });

  test("of a stored array only the wanted rows are read", async () => {
    const whole = readFileSync(fixture("stored.npz"));
    const source = memoryBytes(whole, "stored.npz");
    const npz = await Npz.parse(whole, "stored.npz");
    const { dataStart } = await npz.header("a");
    expect(dataStart).toBe(128);
    expect((await source.read(0, 4))[0]).toBe(0x50);
    await expectDataError(() => source.read(0, whole.length + 1), /stored.npz: truncated or damaged: byte/);
  });

  test.each<[string, RegExp, () => Uint8Array | string]>([
    ["empty", /empty.npz: the file is empty/, () => ""],
    ["npy", /npy.npz: not a .npz file/, () => readFileSync(fixture("f4.npy"))],
    [
      "cut",
      /cut.npz: truncated or damaged zip archive: its table of contents, at the end, is missing/,
      () => readFileSync(fixture("stored.npz")).subarray(0, 300),
    ],
  ])("rejects %s", async (name, message, content) => {
    const path = write(`${name}.npz`, content());
    await expectDataError(() => Npz.open(path), message);
  });

  test.each(["stored.npz", "deflated.npz", "zip64.npz"])(
    "damaged bytes of %s give a DataError and nothing else",
    async (name) => {
      const whole = readFileSync(fixture(name));
      const edits = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
      const readAll = async (bytes: Uint8Array) => {
        const npz = await Npz.parse(bytes, "changed.npz");
        for (const entry of npz.names) await (entry === "names" ? npz.texts(entry) : npz.read(entry));
      };
      await fc.assert(
        fc.asyncProperty(edits, async (changes) => {
          const bytes = Uint8Array.from(whole);
          for (const [at, value] of changes) bytes[at] = value;
          await onlyDataErrorsAsync(() => readAll(bytes));
        }),
        { numRuns: 500, seed: 3 },
      );
      for (let length = 1; length < whole.length; length += 7)
        await onlyDataErrorsAsync(() => readAll(whole.subarray(0, length)));
    },
  );
});
