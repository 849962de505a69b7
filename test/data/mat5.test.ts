import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseMat5, readMat5 } from "../../src/data/mat5.js";
import { type MatCell, type MatStruct, matMatrix, matNumeric, rowMajor } from "../../src/data/mat5-values.js";
import { expectDataError, fixture, onlyDataErrors, sharedData, temporaryFolder } from "./helpers.js";

const { write, folder } = temporaryFolder();
const text = (rows: string[], dims: number[]) => ({ kind: "text", dims, rows });

describe.each(["plain.mat", "compressed.mat"])("mat5: %s by scipy", async (name) => {
  const mat = await readMat5(fixture(name));

  test("a matrix, column-major as stored and row-major as asked", () => {
    const matrix = matNumeric(mat, "matrix");
    expect(matrix).toMatchObject({ className: "double", dims: [2, 3], logical: false });
    expect(matrix.values).toEqual(new Float64Array([1, 4, 2, 5, 3, 6.5]));
    expect(matMatrix(mat, "matrix")).toEqual({ rows: 2, columns: 3, values: new Float32Array([1, 2, 3, 4, 5, 6.5]) });
  });

  test("three dimensions", () => {
    const cube = matNumeric(mat, "cube");
    expect(cube).toMatchObject({ className: "single", dims: [2, 3, 4] });
    expect(rowMajor(cube.values, cube.dims)).toEqual(Float32Array.from({ length: 24 }, (_, i) => i));
  });

  test.each([
    ["int8", new Int8Array([-128, 127, 7])],
    ["uint8", new Uint8Array([0, 255, 7])],
    ["int16", new Int16Array([-32768, 32767, 7])],
    ["uint16", new Uint16Array([0, 65535, 7])],
    ["int32", new Int32Array([-2147483648, 2147483647, 7])],
    ["uint32", new Uint32Array([0, 4294967295, 7])],
    ["int64", new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n, 7n])],
    ["uint64", new BigUint64Array([0n, 2n ** 64n - 1n, 7n])],
  ])("integers: %s", (className, values) => {
    expect(matNumeric(mat, `v_${className}`)).toMatchObject({ className, dims: [1, 3], values });
  });

  test("logical, complex and empty", () => {
    expect(matNumeric(mat, "flags")).toMatchObject({ logical: true, values: new Uint8Array([1, 0, 1]) });
    expect(mat.variables.get("complex")).toMatchObject({
      values: new Float64Array([1, 3]),
      imaginary: new Float64Array([2, -4]),
    });
    expect(matNumeric(mat, "empty")).toMatchObject({ dims: [0, 3], values: new Float64Array(0) });
  });

  test("text: one row, several rows, beyond ASCII", () => {
    expect(mat.variables.get("text")).toEqual(text(["hello"], [1, 5]));
    expect(mat.variables.get("rows")).toEqual(text(["one", "two"], [2, 3]));
    expect(mat.variables.get("accent")).toEqual(text(["h\u00e9llo \u20ac"], [1, 7]));
  });

  test("cells, also nested and empty", () => {
    const cell = mat.variables.get("cell") as MatCell;
    expect(cell.dims).toEqual([2, 2]);
    expect(cell.items[0]).toEqual(text(["ab"], [1, 2]));
    expect(cell.items[1]).toMatchObject({ values: new Float64Array([1.5, 2.5]) });
    expect(cell.items[2]).toMatchObject({ dims: [0, 0] });
    expect((cell.items[3] as MatCell).items).toEqual([text(["deep"], [1, 4])]);
  });

  test("a struct array", () => {
    const struct = mat.variables.get("struct") as MatStruct;
    expect(struct).toMatchObject({ kind: "struct", dims: [1, 2], fields: ["key", "value"] });
    expect(struct.items.map((item) => item.get("key"))).toEqual([text(["first"], [1, 5]), text(["second"], [1, 6])]);
    expect(struct.items[0]?.get("value")).toMatchObject({ values: new Float64Array([1, 2, 3]) });
  });

  test("rejects what is no real full array, and an unknown name", async () => {
    await expectDataError(() => matNumeric(mat, "sparse"), /mat: variable sparse is a sparse matrix, .*full\(sparse\)/);
    await expectDataError(() => matNumeric(mat, "complex"), /variable complex is complex/);
    await expectDataError(() => matNumeric(mat, "cell"), /variable cell is a cell array/);
    await expectDataError(() => matNumeric(mat, "nothing"), /no variable nothing, it holds matrix, cube/);
    await expectDataError(() => matMatrix(mat, "cube"), /variable cube has dimensions \[2, 3, 4\], expected 2/);
  });
});

describe("mat5: other files", () => {
  test("big-endian, with small elements and doubles stored as 16-bit integers", async () => {
    const mat = await readMat5(fixture("big-endian.mat"));
    expect(matNumeric(mat, "m").values).toEqual(new Float64Array([1, 4, 2, 5, 3, 6.5]));
    expect(matNumeric(mat, "w")).toMatchObject({
      className: "double",
      values: new Float64Array([1, 4, 2, 5, 3, -600]),
    });
  });

  test("an unnamed and an opaque variable do not disturb the others", () => {
    const plain = readFileSync(fixture("big-endian.mat"));
    const opaque = Buffer.from([
      0, 0, 0, 14, 0, 0, 0, 24, 0, 0, 0, 6, 0, 0, 0, 8, 0, 0, 0, 17, 0, 0, 0, 0, 0, 1, 0, 1, 111, 0, 0, 0,
    ]);
    const mat = parseMat5(Buffer.concat([plain, opaque]), "two.mat");
    expect([...mat.variables.keys()]).toEqual(["m", "w", "o"]);
    expect(mat.variables.get("o")).toMatchObject({ kind: "unsupported", what: "an opaque object" });
  });

  const hdf5 = Buffer.concat([Buffer.alloc(512), Buffer.from("\x89HDF\r\n\x1a\n", "latin1")]);
  test.each<[string, RegExp, () => Uint8Array | string]>([
    ["empty", /empty.mat: the file is empty/, () => ""],
    ["text", /text.mat: not a MAT 5 file/, () => "name,split\n"],
    ["v73", /v73.mat: an HDF5 file \(MAT 7.3\).*-v7/, () => hdf5],
    ["v73-text", /v73-text.mat: an HDF5 file/, () => "MATLAB 7.3 MAT-file, Platform: GLNXA64".padEnd(128)],
    ["v4", /v4.mat: not a MAT 5 file/, () => readFileSync(fixture("version4.mat"))],
    ["header", /header.mat: truncated MAT file: 60 bytes/, () => readFileSync(fixture("plain.mat")).subarray(0, 60)],
    ["future", /future.mat: MAT format version 0x300/, () => patched("plain.mat", 125, 3)],
    ["flipped", /flipped.mat: truncated or damaged MAT file: compressed/, () => patched("compressed.mat", 140, 255)],
    [
      "kind",
      /kind.mat: truncated or damaged MAT file: element type 9 where a variable/,
      () => patched("plain.mat", 128, 9),
    ],
    ["class", /class.mat: truncated or damaged MAT file: unknown array class 99/, () => patched("plain.mat", 144, 99)],
    [
      "dims",
      /dims.mat: truncated or damaged MAT file: \[3, 3\] is 9 values, 6 are stored/,
      () => patched("plain.mat", 160, 3),
    ],
    ["inside", /inside.mat: truncated or damaged MAT file: element type 9 in a compressed/, () => compressedNumbers()],
  ])("rejects %s", async (name, message, content) => {
    const path = write(`${name}.mat`, content());
    await expectDataError(() => readMat5(path), message);
  });

  test("rejects a folder and a missing file", async () => {
    await expectDataError(() => readMat5(folder), /is a folder, expected a file/);
    await expectDataError(() => readMat5(`${folder}/none.mat`), /none.mat: no such file/);
  });

  test("rejects nesting without end", async () => {
    await expectDataError(() => parseMat5(nestedCells(40), "deep.mat"), /deep.mat: .*nested more than 32 deep/);
  });
});

describe("mat5: damaged bytes give a DataError and nothing else", () => {
  const whole = { plain: readFileSync(fixture("plain.mat")), compressed: readFileSync(fixture("compressed.mat")) };
  test.each(["plain", "compressed"] as const)("%s, cut at every length", (name) => {
    for (let length = 0; length < whole[name].length; length++) {
      onlyDataErrors(() => parseMat5(whole[name].subarray(0, length), "cut.mat"));
    }
  });

  test("bytes changed at random places", () => {
    const edits = fc.array(fc.tuple(fc.nat(whole.plain.length - 129), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(edits, (changes) => {
        const bytes = Uint8Array.from(whole.plain);
        for (const [at, value] of changes) bytes[128 + at] = value;
        onlyDataErrors(() => parseMat5(bytes, "changed.mat"));
      }),
      { numRuns: 2000, seed: 1 },
    );
  });

  test("a header and then anything", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
        onlyDataErrors(() => parseMat5(Buffer.concat([whole.plain.subarray(0, 128), tail]), "random.mat"));
        onlyDataErrors(() => parseMat5(tail, "random.mat"));
      }),
      { numRuns: 1000, seed: 2 },
    );
  });
});

const digit69 = sharedData("digit69/digit69_28x28.mat");
test.skipIf(digit69 === null)("mat5: the real digit69 file", async () => {
  const mat = await readMat5(digit69 ?? "");
  const sum = (name: string) => Array.from(matNumeric(mat, name).values, Number).reduce((a, b) => a + b, 0);
  expect(matNumeric(mat, "fmriTrn")).toMatchObject({ dims: [90, 3092], className: "double" });
  expect(matNumeric(mat, "fmriTest")).toMatchObject({ dims: [10, 3092], className: "double" });
  expect(matNumeric(mat, "stimTrn")).toMatchObject({ dims: [90, 784], className: "double" });
  expect(matNumeric(mat, "fmriTrn").values[0]).toBeCloseTo(0.11215239, 8);
  expect(sum("stimTrn")).toBe(2368106);
  expect(sum("stimTest")).toBe(261253);
  expect(sum("fmriTrn")).toBeCloseTo(3182.7261384375593, 8);
});

function patched(name: string, at: number, value: number): Uint8Array {
  const bytes = Uint8Array.from(readFileSync(fixture(name)));
  bytes[at] = value;
  return bytes;
}

function tagged(type: number, data: Uint8Array): Buffer {
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(type);
  tag.writeUInt32LE(data.length, 4);
  return Buffer.concat([tag, data]);
}

function compressedNumbers(): Buffer {
  const header = readFileSync(fixture("plain.mat")).subarray(0, 128);
  return Buffer.concat([header, tagged(15, deflateSync(tagged(9, Buffer.alloc(8))))]);
}

function nestedCells(depth: number): Buffer {
  const header = readFileSync(fixture("plain.mat")).subarray(0, 128);
  const flags = tagged(6, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
  const dims = tagged(5, Buffer.from([1, 0, 0, 0, 1, 0, 0, 0]));
  const cell = (inner: Buffer) => tagged(14, Buffer.concat([flags, dims, tagged(1, Buffer.alloc(0)), inner]));
  let matrix = cell(tagged(14, Buffer.alloc(0)));
  for (let i = 0; i < depth; i++) matrix = cell(matrix);
  return Buffer.concat([header, matrix]);
}
