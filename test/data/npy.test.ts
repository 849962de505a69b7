import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeNpy, npyMatrix, parseNpy, readNpy } from "../../src/data/npy.js";
import { expectDataError, fixture, onlyDataErrors, temporaryFolder } from "./helpers.js";

const { write, folder } = temporaryFolder();
const SIX = [1, 2, 3, 4, 5, 6];
const f4 = readFileSync(fixture("f4.npy"));

/** A .npy file of version 1 with this header and data. */
function npy(header: string, data: number[] | Uint8Array = []): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), length, Buffer.from(header), Buffer.from(data)]);
}

describe("npy", () => {
  test.each([
    ["f2", "f2", Float32Array.from(SIX)],
    ["f4", "f4", Float32Array.from(SIX)],
    ["be-f4", "f4", Float32Array.from(SIX)],
    ["f8", "f8", Float64Array.from(SIX)],
    ["i1", "i1", Int8Array.from(SIX)],
    ["i2", "i2", Int16Array.from(SIX)],
    ["i4", "i4", Int32Array.from(SIX)],
    ["i8", "i8", BigInt64Array.from(SIX, BigInt)],
    ["u1", "u1", Uint8Array.from(SIX)],
    ["be-u2", "u2", Uint16Array.from(SIX)],
    ["u4", "u4", Uint32Array.from(SIX)],
    ["u8", "u8", BigUint64Array.from(SIX, BigInt)],
    ["b1", "b1", Uint8Array.from([1, 1, 1, 1, 1, 1])],
    ["version2", "f4", Float32Array.from(SIX)],
    ["version3", "f4", Float32Array.from(SIX)],
  ])("%s", async (name, dtype, values) => {
    expect(await readNpy(fixture(`${name}.npy`))).toEqual({ dtype, shape: [2, 3], values });
  });

  test("Fortran order is turned to row-major", async () => {
    const array = await readNpy(fixture("fortran.npy"));
    expect(array).toEqual({ dtype: "f8", shape: [2, 3, 4], values: Float64Array.from({ length: 24 }, (_, i) => i) });
  });

  test("a scalar, and halves with their special values", async () => {
    expect(await readNpy(fixture("scalar.npy"))).toEqual({ dtype: "f4", shape: [], values: Float32Array.of(2.5) });
    const { values } = await readNpy(fixture("half.npy"));
    const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
    expect(Array.from(values as Float32Array)).toEqual([0, -0, 1, -2.5, 65504, 2 ** -24, inf, -inf, nan]);
  });

  test("as a matrix of f32", async () => {
    const expected = { rows: 2, columns: 3, values: Float32Array.from(SIX) };
    expect(npyMatrix(await readNpy(fixture("i8.npy")), "i8")).toEqual(expected);
    expect(npyMatrix(await readNpy(fixture("f4.npy")), "f4")).toEqual(expected);
    const cube = await readNpy(fixture("fortran.npy"));
    await expectDataError(() => npyMatrix(cube, "cube.npy"), /cube.npy: shape \[2, 3, 4\], expected 2 dimensions/);
  });

  test.each([[[]], [[0]], [[4]], [[2, 3]], [[1, 2, 3, 4]]])("writes shape %j as NumPy does", (shape) => {
    const count = (shape as number[]).reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length: count }, (_, i) => i - 0.5);
    const bytes = encodeNpy(values, shape);
    expect(parseNpy(bytes, "x")).toEqual({ dtype: "f4", shape, values });
    expect((bytes.length - 4 * count) % 64).toBe(0);
  });

  test("writes the very bytes that NumPy writes", () => {
    expect(Buffer.from(encodeNpy(Float32Array.from(SIX), [2, 3])).equals(f4)).toBe(true);
  });

  test("rejects writing a shape that does not fit", async () => {
    await expectDataError(() => encodeNpy(new Float32Array(5), [2, 3]), /encodeNpy: shape \[2, 3\] for 5 values/);
  });

  test.each<[string, RegExp, () => Uint8Array | string]>([
    ["empty", /empty.npy: the file is empty/, () => ""],
    ["text", /text.npy: not a .npy file/, () => "1,2,3\n"],
    [
      "version",
      /version.npy: .npy format version 9, expected 1 to 3/,
      () => Buffer.concat([f4.subarray(0, 6), Buffer.from([9, 0, 0])]),
    ],
    ["magic", /magic.npy: .npy format version 0/, () => f4.subarray(0, 6)],
    ["header", /header.npy: truncated .*: 40 bytes do not hold its header/, () => f4.subarray(0, 40)],
    ["data", /data.npy: truncated .*: \[2, 3\] needs 24 bytes, 23 are there/, () => f4.subarray(0, f4.length - 1)],
    ["longer", /longer.npy: truncated or damaged .* 25 are there/, () => Buffer.concat([f4, Buffer.from([0])])],
    [
      "strings",
      /strings.npy: dtype <U6 is not supported\. Convert it with .astype/,
      () => readFileSync(fixture("text.npy")),
    ],
    [
      "objects",
      /objects.npy: dtype \|O is not supported/,
      () => npy("{'descr': '|O', 'fortran_order': False, 'shape': (), }"),
    ],
    [
      "fields",
      /fields.npy: a structured array/,
      () => npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"),
    ],
    ["dict", /dict.npy: truncated or damaged .npy file: header \{'descr'/, () => npy("{'descr': '<f4'}")],
    [
      "shape",
      /shape.npy: truncated or damaged .npy file: shape/,
      () => npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }"),
    ],
  ])("rejects %s", async (name, message, content) => {
    const path = write(`${name}.npy`, content());
    await expectDataError(() => readNpy(path), message);
  });

  test("rejects a folder and a missing file", async () => {
    await expectDataError(() => readNpy(folder), /is a folder, expected a file/);
    await expectDataError(() => readNpy(`${folder}/none.npy`), /none.npy: no such file/);
  });

  test("damaged bytes give a DataError and nothing else", () => {
    const edits = fc.array(fc.tuple(fc.nat(f4.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    const changed = edits.map((changes) => {
      const bytes = Uint8Array.from(f4);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
    fc.assert(
      fc.property(changed, (bytes) => onlyDataErrors(() => parseNpy(bytes, "changed.npy"))),
      { numRuns: 2000, seed: 1 },
    );
    for (let length = 0; length < f4.length; length++)
      onlyDataErrors(() => parseNpy(f4.subarray(0, length), "cut.npy"));
  });

  test("what is written is read again", () => {
    const array = fc.tuple(fc.nat(4), fc.nat(5)).chain(([rows, columns]) => {
      const values = fc.float32Array({ minLength: rows * columns, maxLength: rows * columns });
      return values.map((v) => ({ shape: [rows, columns], values: v }));
    });
    fc.assert(
      fc.property(array, ({ shape, values }) => {
        expect(parseNpy(encodeNpy(values, shape), "x")).toEqual({ dtype: "f4", shape, values });
      }),
      { numRuns: 200, seed: 2 },
    );
  });
});
