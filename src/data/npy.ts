/** NumPy's .npy arrays (read and written) and .npz archives (read). */
import { unzipSync } from "fflate";
import type { Matrix } from "./dataset.js";
import { DataError } from "./errors.js";
import { readBytes } from "./files.js";

/** Values of an array in the type that fits its dtype; f2 is widened to f32, booleans are bytes 0 and 1, 64-bit integers BigInts. */
export type NpyValues =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** An array from a .npy file; `values` is row-major whatever the order in the file. */
export interface NpyArray {
  /** NumPy's name without the byte order: "f4", "i8", "b1", ... */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: NpyValues;
}

/** An open .npz archive. Arrays are decoded when asked for, so one that is not supported does not hide the others. */
export interface Npz {
  readonly names: readonly string[];
  /** @throws {DataError} when there is no such array, or it is damaged or not supported. */
  read(name: string): NpyArray;
}

interface Dtype {
  readonly bytes: number;
  readonly create: (count: number) => NpyValues;
  readonly get: (view: DataView, at: number, littleEndian: boolean) => number | bigint;
}

const DTYPES: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ["f2", { bytes: 2, create: (n) => new Float32Array(n), get: (v, at, le) => halfToNumber(v.getUint16(at, le)) }],
  ["f4", { bytes: 4, create: (n) => new Float32Array(n), get: (v, at, le) => v.getFloat32(at, le) }],
  ["f8", { bytes: 8, create: (n) => new Float64Array(n), get: (v, at, le) => v.getFloat64(at, le) }],
  ["i1", { bytes: 1, create: (n) => new Int8Array(n), get: (v, at) => v.getInt8(at) }],
  ["i2", { bytes: 2, create: (n) => new Int16Array(n), get: (v, at, le) => v.getInt16(at, le) }],
  ["i4", { bytes: 4, create: (n) => new Int32Array(n), get: (v, at, le) => v.getInt32(at, le) }],
  ["i8", { bytes: 8, create: (n) => new BigInt64Array(n), get: (v, at, le) => v.getBigInt64(at, le) }],
  ["u1", { bytes: 1, create: (n) => new Uint8Array(n), get: (v, at) => v.getUint8(at) }],
  ["u2", { bytes: 2, create: (n) => new Uint16Array(n), get: (v, at, le) => v.getUint16(at, le) }],
  ["u4", { bytes: 4, create: (n) => new Uint32Array(n), get: (v, at, le) => v.getUint32(at, le) }],
  ["u8", { bytes: 8, create: (n) => new BigUint64Array(n), get: (v, at, le) => v.getBigUint64(at, le) }],
  ["b1", { bytes: 1, create: (n) => new Uint8Array(n), get: (v, at) => (v.getUint8(at) === 0 ? 0 : 1) }],
]);

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const DAMAGED = "Copy or download it again.";

/** The value of an IEEE half. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * Reads a .npy file, format versions 1 to 3.
 *
 * @throws {DataError} when the file is missing, no .npy file, truncated, or of a dtype other than numbers and booleans.
 */
export async function readNpy(path: string): Promise<NpyArray> {
  return parseNpy(await readBytes(path), path);
}

/** {@link readNpy} on bytes in memory; `file` is the name that messages use. */
export function parseNpy(bytes: Uint8Array, file: string): NpyArray {
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) {
    throw new DataError(`${file}: not a .npy file`, "Save the array with numpy.save.");
  }
  const { header, dataStart } = readHeader(bytes, file);
  const { descr, fortran, shape } = parseHeader(header, file);
  const dtype = DTYPES.get(descr.slice(1));
  if (dtype === undefined || !"<>|=".includes(descr[0] ?? "")) {
    const known = [...DTYPES.keys()].join(", ");
    throw new DataError(`${file}: dtype ${descr} is not supported`, `Convert it with .astype to one of ${known}.`);
  }
  const count = shape.reduce((a, b) => a * b, 1);
  const left = bytes.length - dataStart;
  if (left !== count * dtype.bytes) {
    throw new DataError(
      `${file}: truncated or damaged .npy file: [${shape.join(", ")}] needs ${count * dtype.bytes} bytes, ${left} are there`,
      DAMAGED,
    );
  }
  const data = new DataView(bytes.buffer, bytes.byteOffset + dataStart, left);
  const order = fortran ? columnMajorOrder(shape) : null;
  const values = decode(data, dtype, count, descr[0] !== ">", order);
  return { dtype: descr.slice(1), shape, values };
}

function readHeader(bytes: Uint8Array, file: string): { header: string; dataStart: number } {
  const major = bytes[6] ?? 0;
  if (major < 1 || major > 3) {
    throw new DataError(`${file}: .npy format version ${major}, expected 1 to 3`, "Save the array with numpy.save.");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = major === 1 ? 10 : 12;
  const length = bytes.length < start ? 0 : major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (bytes.length < start + length || length === 0) {
    throw new DataError(
      `${file}: truncated or damaged .npy file: ${bytes.length} bytes do not hold its header`,
      DAMAGED,
    );
  }
  const header = new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(bytes.subarray(start, start + length));
  return { header, dataStart: start + length };
}

/** The header is a Python dict of three entries, written by NumPy in one of few ways. */
function parseHeader(header: string, file: string): { descr: string; fortran: boolean; shape: number[] } {
  const descr = /'descr'\s*:\s*(?:'([^']*)'|(\[))/.exec(header);
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header);
  const shape = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(header);
  if (descr === null || fortran === null || shape === null) {
    throw new DataError(`${file}: truncated or damaged .npy file: header ${header.slice(0, 80).trim()}`, DAMAGED);
  }
  if (descr[2] !== undefined) {
    throw new DataError(`${file}: a structured array`, "Save one field of it: numpy.save(path, array['field']).");
  }
  const dims = (shape[1] ?? "").split(",").flatMap((n) => (n.trim() === "" ? [] : [Number.parseInt(n, 10)]));
  const bad = dims.find((n) => !Number.isSafeInteger(n));
  if (bad !== undefined) throw new DataError(`${file}: truncated or damaged .npy file: shape (${shape[1]})`, DAMAGED);
  return { descr: descr[1] ?? "", fortran: fortran[1] === "True", shape: dims };
}

function decode(
  data: DataView,
  dtype: Dtype,
  count: number,
  littleEndian: boolean,
  order: Uint32Array | null,
): NpyValues {
  const values = dtype.create(count);
  const read = (i: number) => dtype.get(data, i * dtype.bytes, littleEndian);
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    for (let i = 0; i < count; i++) values[order === null ? i : (order[i] as number)] = read(i) as bigint;
  } else {
    for (let i = 0; i < count; i++) values[order === null ? i : (order[i] as number)] = read(i) as number;
  }
  return values;
}

/** For each column-major position its row-major one. */
function columnMajorOrder(shape: readonly number[]): Uint32Array {
  const count = shape.reduce((a, b) => a * b, 1);
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  const index = shape.map(() => 0);
  const order = new Uint32Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    order[i] = at;
    for (let d = 0; d < shape.length; d++) {
      const stride = strides[d] as number;
      const next = (index[d] as number) + 1;
      at += stride;
      index[d] = next;
      if (next < (shape[d] as number)) break;
      at -= next * stride;
      index[d] = 0;
    }
  }
  return order;
}

/**
 * An array as a .npy file (version 1, f4, row-major), readable by `numpy.load`.
 *
 * @throws {DataError} when the shape does not hold as many values as there are.
 */
export function encodeNpy(values: Float32Array, shape: readonly number[]): Uint8Array {
  const count = shape.reduce((a, b) => a * b, 1);
  if (count !== values.length || !shape.every((n) => Number.isInteger(n) && n >= 0)) {
    throw new DataError(
      `encodeNpy: shape [${shape.join(", ")}] for ${values.length} values`,
      "Give the shape of the values.",
    );
  }
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims}), }`;
  // NumPy pads so that the data starts at a multiple of 64.
  const header = dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11);
  return assemble(`${header}\n`, values);
}

function assemble(header: string, values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(10 + header.length + 4 * values.length);
  bytes.set([...MAGIC, 1, 0, header.length & 255, header.length >>> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  const view = new DataView(bytes.buffer, 10 + header.length);
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i] as number, true);
  return bytes;
}

/**
 * Opens a .npz archive, compressed or not.
 *
 * @throws {DataError} when the file is missing, or no zip archive, or damaged.
 */
export async function openNpz(path: string): Promise<Npz> {
  return parseNpz(await readBytes(path), path);
}

/** {@link openNpz} on bytes in memory; `file` is the name that messages use. */
export function parseNpz(bytes: Uint8Array, file: string): Npz {
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b)
    throw new DataError(`${file}: not a .npz file`, "Save it with numpy.savez.");
  const names: string[] = [];
  unzip(bytes, file, (name) => {
    if (name.endsWith(".npy")) names.push(name.slice(0, -4));
    return false;
  });
  return {
    names,
    read(name) {
      const entry = names.includes(name)
        ? unzip(bytes, file, (found) => found === `${name}.npy`)[`${name}.npy`]
        : undefined;
      if (entry === undefined) {
        throw new DataError(`${file}: no array ${name}, it holds ${names.join(", ")}`, "Give the right file.");
      }
      return parseNpy(entry, `${file}/${name}.npy`);
    },
  };
}

function unzip(bytes: Uint8Array, file: string, wanted: (name: string) => boolean): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes, { filter: ({ name }) => wanted(name) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError(`${file}: truncated or damaged .npz file (${reason})`, DAMAGED);
  }
}

/**
 * An array of two dimensions as a matrix of f32.
 *
 * @throws {DataError} when it has another number of dimensions.
 */
export function npyMatrix({ shape, values }: NpyArray, file: string): Matrix {
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2)
    throw new DataError(`${file}: shape [${shape.join(", ")}], expected 2 dimensions`, "Reshape it.");
  const out = values instanceof Float32Array ? values : new Float32Array(values.length);
  if (out !== values) for (let i = 0; i < out.length; i++) out[i] = Number(values[i]);
  return { rows, columns, values: out };
}
