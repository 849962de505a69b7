import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/kernels/errors.js";
import { readSafetensors, type SafetensorsEntry, writeSafetensors } from "../../src/tensor/safetensors.js";

/** Written by Python: `struct.pack("<Q", len(header)) + header + b"".join(a.tobytes() for a in arrays)`, numpy arrays, no padding. */
const fromNumpy = Uint8Array.from(
  Buffer.from(
    "ygEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6IHsibWFkZSBieSI6ICJudW1weSBcdTAwZTkifSwgImNvbnYud2VpZ2h0IjogeyJkdHlwZSI6ICJGMzIiLCAic2hhcGUiOiBbMiwgM10sICJkYXRhX29mZnNldHMiOiBbMCwgMjRdfSwgImhhbGYiOiB7ImR0eXBlIjogIkYxNiIsICJzaGFwZSI6IFs0XSwgImRhdGFfb2Zmc2V0cyI6IFsyNCwgMzJdfSwgImluZGV4IjogeyJkdHlwZSI6ICJJMzIiLCAic2hhcGUiOiBbMSwgMV0sICJkYXRhX29mZnNldHMiOiBbMzIsIDM2XX0sICJieXRlcyI6IHsiZHR5cGUiOiAiVTgiLCAic2hhcGUiOiBbM10sICJkYXRhX29mZnNldHMiOiBbMzYsIDM5XX0sICJub25lIjogeyJkdHlwZSI6ICJGMzIiLCAic2hhcGUiOiBbMCwgNF0sICJkYXRhX29mZnNldHMiOiBbMzksIDM5XX0sICJzY2FsYXIiOiB7ImR0eXBlIjogIkYzMiIsICJzaGFwZSI6IFtdLCAiZGF0YV9vZmZzZXRzIjogWzM5LCA0M119fQAAAAAAAIA+AAAAPwAAQD8AAIA/AACgPwA+AYD/ewB8+f///wD/AwAAIEA=",
    "base64",
  ),
);

/** A file with this header text and so many bytes of data. */
function fileOf(header: string, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

const tensors = new Map<string, SafetensorsEntry>([
  ["mask", { dtype: "bool", shape: [3], values: Uint32Array.of(1, 0, 1) }],
  ["7", { dtype: "u32", shape: [1], values: Uint32Array.of(4294967295) }],
  ["0.weight", { dtype: "f32", shape: [2, 2], values: Float32Array.of(1.5, -0, Number.NaN, 1e-42) }],
  ["steps", { dtype: "i32", shape: [], values: Int32Array.of(-5) }],
  ["none", { dtype: "f32", shape: [3, 0], values: new Float32Array(0) }],
]);

describe("safetensors", () => {
  test("round trip, bit for bit, aligned to 8 bytes", () => {
    const file = writeSafetensors(tensors, { step: "12", '\u00e9"': "\\ {" });
    const read = readSafetensors(file);
    expect(read.metadata).toEqual({ step: "12", '\u00e9"': "\\ {" });
    expect([...read.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, entry] of tensors) expect(read.tensors.get(name)).toEqual(entry);
    expect(Number(new DataView(file.buffer).getBigUint64(0, true)) % 8).toBe(0);
    expect(writeSafetensors(read.tensors, read.metadata)).toEqual(file);
    expect(readSafetensors(writeSafetensors(new Map())).tensors.size).toBe(0);
  });
  test("reads what numpy wrote, elements at odd bytes", () => {
    const { tensors: read, metadata } = readSafetensors(fromNumpy);
    expect(metadata).toEqual({ "made by": "numpy \u00e9" });
    expect(read.get("conv.weight")).toEqual({
      dtype: "f32",
      shape: [2, 3],
      values: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25),
    });
    expect(read.get("half")?.values).toEqual(Float32Array.of(1.5, -(2 ** -24), 65504, Number.POSITIVE_INFINITY));
    expect(read.get("index")).toEqual({ dtype: "i32", shape: [1, 1], values: Int32Array.of(-7) });
    expect(read.get("bytes")).toEqual({ dtype: "u32", shape: [3], values: Uint32Array.of(0, 255, 3) });
    expect(read.get("scalar")?.values).toEqual(Float32Array.of(2.5));
  });
  test("cut short at any byte: a FormatError", () => {
    for (const file of [fromNumpy, writeSafetensors(tensors)])
      for (let length = 0; length < file.length; length++)
        expect(() => readSafetensors(file.subarray(0, length)), `${length} bytes`).toThrow(FormatError);
  });
  test("any byte changed: read, or a typed error, never anything else", () => {
    for (let i = 0; i < fromNumpy.length; i++) {
      for (const flip of [1, 0x20, 0x80, 0xff]) {
        const file = fromNumpy.slice();
        file[i]! ^= flip;
        try {
          readSafetensors(file);
        } catch (error) {
          expect(["FormatError", "ShapeError"], `byte ${i} ^ ${flip}: ${error}`).toContain((error as Error).name);
        }
      }
    }
  });
  const f32 = (shape: string, from: number, to: number) =>
    `{"dtype":"F32","shape":${shape},"data_offsets":[${from},${to}]}`;
  test.each([
    [
      "a long header",
      Uint8Array.of(1, 225, 245, 5, 0, 0, 0, 0, 123),
      "the header may have at most 100000000 bytes, got 100000001",
    ],
    [
      "a header past the end",
      Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 123),
      "the header ends at byte 17, but the file has 9",
    ],
    ["no object", fileOf("[1]", 0), "the header must begin with {"],
    ["no JSON", fileOf("{a}", 0), "the header is not JSON"],
    ["no UTF-8", fileOf('{"a":1}', 0).map((b) => (b === 0x61 ? 0xff : b)), "the header is not UTF-8 text"],
    ["a name twice", fileOf(`{"a":${f32("[1]", 0, 4)},"\\u0061" :${f32("[1]", 4, 8)}}`, 8), "a is in the header twice"],
    [
      "an unknown type",
      fileOf('{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}}', 1),
      'a: dtype must be one of F32, F16, BF16, I32, U32, U8, BOOL, got "F8"',
    ],
    ["no object as tensor", fileOf('{"a":3}', 0), "a: must be an object, got 3"],
    [
      "a broken shape",
      fileOf(`{"a":${f32("[-1]", 0, 4)}}`, 4),
      "a: shape must be a list of whole numbers >= 0, got [-1]",
    ],
    [
      "broken offsets",
      fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}', 4),
      "a: data_offsets must be two whole numbers >= 0, got [0]",
    ],
    [
      "offsets of another size",
      fileOf(`{"a":${f32("[2]", 0, 4)}}`, 4),
      "a: data_offsets must span the 8 bytes of F32 [2], got [0,4]",
    ],
    ["offsets past the end", fileOf(`{"a":${f32("[2]", 0, 8)}}`, 4), "a: ends at byte 8 of the data, but there are 4"],
    ["an overlap", fileOf(`{"a":${f32("[2]", 0, 8)},"b":${f32("[1]", 4, 8)}}`, 8), "b: overlaps the tensor before it"],
    ["a gap", fileOf(`{"a":${f32("[1]", 0, 4)},"b":${f32("[1]", 8, 12)}}`, 12), "b: leaves a gap before it"],
    [
      "data left over",
      fileOf(`{"a":${f32("[1]", 0, 4)}}`, 5),
      "the tensors end at byte 4 of the data, but there are 5",
    ],
    ["metadata that is no text", fileOf('{"__metadata__":{"a":1}}', 0), "__metadata__ must be an object of texts"],
  ])("rejects %s", (_what, file, message) => {
    expect(() => readSafetensors(file)).toThrow(FormatError);
    expect(() => readSafetensors(file)).toThrow(message);
  });
  test("rejects more axes than a tensor may have", () => {
    expect(() => readSafetensors(fileOf(`{"a":${f32("[1,1,1,1,1,1,1,1,1]", 0, 4)}}`, 4))).toThrow("a: at most 8 axes");
  });
  test("rejects writing what is not a tensor", () => {
    const entry = { dtype: "f32", shape: [2], values: Float32Array.of(1) } as const;
    expect(() => writeSafetensors(new Map([["a", entry]]))).toThrow(
      "safetensors: a: f32 [2] needs a Float32Array of 2, got a Float32Array of 1",
    );
    expect(() => writeSafetensors(new Map([["__metadata__", entry]]))).toThrow("no tensor may be called __metadata__");
  });
});
