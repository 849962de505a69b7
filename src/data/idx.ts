/** Reader of IDX files, the format of MNIST: big-endian arrays with their dimensions in front, often gzipped. */
import { gunzipSync } from "node:zlib";
import type { ImageSet } from "./dataset.js";
import { DataError } from "./errors.js";
import { readBytes } from "./files.js";
import { unitValues } from "./resample.js";

/** An array from an IDX file, row-major; integers and floats of every width are given as f64. */
export interface IdxArray {
  readonly dims: readonly number[];
  readonly values: Float64Array | Uint8Array;
}

type Getter = (view: DataView, at: number) => number;

/** By the type code of the header: width in bytes and how one value is read. */
const TYPES: ReadonlyMap<number, { readonly bytes: number; readonly get: Getter }> = new Map([
  [0x08, { bytes: 1, get: (v, at) => v.getUint8(at) }],
  [0x09, { bytes: 1, get: (v, at) => v.getInt8(at) }],
  [0x0b, { bytes: 2, get: (v, at) => v.getInt16(at) }],
  [0x0c, { bytes: 4, get: (v, at) => v.getInt32(at) }],
  [0x0d, { bytes: 4, get: (v, at) => v.getFloat32(at) }],
  [0x0e, { bytes: 8, get: (v, at) => v.getFloat64(at) }],
]);

/**
 * Reads an IDX file, gzipped or not (told by its first bytes, not by its name).
 *
 * @throws {DataError} when the file is missing, no IDX file, truncated, or longer than its header says.
 */
export async function readIdx(path: string): Promise<IdxArray> {
  return parseIdx(await readBytes(path), path);
}

/** {@link readIdx} on bytes in memory; `file` is the name that messages use. */
export function parseIdx(packed: Uint8Array, file: string): IdxArray {
  const bytes = packed[0] === 0x1f && packed[1] === 0x8b ? gunzip(packed, file) : packed;
  const type = TYPES.get(bytes[2] ?? -1);
  const rank = bytes[3] ?? 0;
  if (bytes[0] !== 0 || bytes[1] !== 0 || type === undefined || rank === 0) {
    throw new DataError(
      `${file}: not an IDX file`,
      "Give a file in MNIST's format, such as train-images-idx3-ubyte.gz.",
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = 4 + 4 * rank;
  if (bytes.length < header) throw wrongSize(file, `${bytes.length} bytes, its header alone has ${header}`);
  const dims = Array.from({ length: rank }, (_, d) => view.getUint32(4 + 4 * d));
  const count = dims.reduce((a, b) => a * b, 1);
  const expected = header + count * type.bytes;
  if (bytes.length !== expected) throw wrongSize(file, `${bytes.length} bytes, [${dims.join(", ")}] needs ${expected}`);
  if (bytes[2] === 0x08) return { dims, values: new Uint8Array(bytes.subarray(header)) };
  return { dims, values: Float64Array.from({ length: count }, (_, i) => type.get(view, header + i * type.bytes)) };
}

function wrongSize(file: string, what: string): DataError {
  return new DataError(`${file}: truncated or damaged IDX file: ${what}`, "Copy or download it again.");
}

function gunzip(bytes: Uint8Array, file: string): Uint8Array {
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw wrongSize(file, `its gzip data (${error instanceof Error ? error.message : String(error)})`);
  }
}

/**
 * The images of an IDX file of bytes `[count, height, width]`, as grey images in [0, 1].
 *
 * @param limit - At most so many, the first ones.
 * @throws {DataError} as {@link readIdx}, and when the file holds something else (labels, say).
 */
export async function readIdxImages(path: string, limit = Number.POSITIVE_INFINITY): Promise<ImageSet> {
  const { dims, values } = await readIdx(path);
  const [total = 0, height = 0, width = 0] = dims;
  if (dims.length !== 3 || !(values instanceof Uint8Array) || values.length === 0) {
    throw new DataError(
      `${path}: holds an array [${dims.join(", ")}], expected bytes [count, height, width]`,
      "Give the file of images, not of labels.",
    );
  }
  const count = Math.min(total, limit);
  const pixels = unitValues(values.subarray(0, count * height * width));
  return { count, height, width, channels: 1, pixels };
}
