/** NumPy's .npy arrays, read and written. Archives of them: npz.ts. */
import type { Matrix } from "./dataset.js";
import { DataError } from "./errors.js";
import { readBytes } from "./files.js";
import { DTYPES, type Dtype, type NpyValues } from "./npy-dtypes.js";

/** An array from a .npy file; `values` is row-major whatever the order in the file. */
export interface NpyArray {
  /** NumPy's name without the byte order: "f4", "i8", "b1", ... */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: NpyValues;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const DAMAGED = "Copy or download it again.";

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
  const header = npyHeader(bytes, file);
  const left = bytes.length - header.dataStart;
  const needed = product(header.shape) * header.itemBytes;
  if (left !== needed) {
    throw new DataError(
      `${file}: truncated or damaged .npy file: [${header.shape.join(", ")}] needs ${needed} bytes, ${left} are there`,
      DAMAGED,
    );
  }
  return npyValues(header, bytes.subarray(header.dataStart), header.shape, file);
}

/** What a .npy file says about its array. */
export interface NpyHeader {
  /** NumPy's type with its byte order: "<f4", "|b1", "<U7", ... */
  readonly descr: string;
  readonly shape: readonly number[];
  /** Column-major when true. */
  readonly fortran: boolean;
  readonly itemBytes: number;
  /** Where the values begin. */
  readonly dataStart: number;
}

/**
 * Reads the head of a .npy file; the values need not be there.
 *
 * @throws {DataError} when it is none, or of a dtype that is neither numbers, booleans nor text.
 */
export function npyHeader(bytes: Uint8Array, file: string): NpyHeader {
  if (!isNpy(bytes)) throw new DataError(`${file}: not a .npy file`, "Save the array with numpy.save.");
  const { header, dataStart } = readHeader(bytes, file);
  const { descr, fortran, shape } = parseHeader(header, file);
  const text = /^[<>|=]?([US])(\d+)$/.exec(descr);
  const itemBytes = text ? Number(text[2]) * (text[1] === "U" ? 4 : 1) : DTYPES.get(descr.slice(1))?.bytes;
  if (itemBytes === undefined || !"<>|=".includes(descr[0] ?? "")) throw unsupported(descr, file);
  return { descr, fortran, shape, itemBytes, dataStart };
}

/** Whether bytes from the start of a file are those of a .npy file. */
export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

function unsupported(descr: string, file: string): DataError {
  const known = [...DTYPES.keys()].join(", ");
  return new DataError(`${file}: dtype ${descr} is not supported`, `Convert it with .astype to one of ${known}.`);
}

/** Numbers of an array, or of some of its rows, from just their bytes. @throws {DataError} when they are text. */
export function npyValues(header: NpyHeader, data: Uint8Array, shape: readonly number[], file: string): NpyArray {
  const { descr, fortran } = header;
  const dtype = DTYPES.get(descr.slice(1));
  if (dtype === undefined) throw unsupported(descr, file);
  const count = product(shape);
  if (!fortran && descr[0] !== ">" && dtype.view !== undefined) {
    // Copied, because the bytes may start at an address that the typed array does not allow.
    return { dtype: descr.slice(1), shape, values: dtype.view(Uint8Array.from(data).buffer) };
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const values = decode(view, dtype, count, descr[0] !== ">", fortran ? columnMajorOrder(shape) : null);
  return { dtype: descr.slice(1), shape, values };
}

/**
 * Text of an array of strings (dtypes U and S), in row-major order of at most one dimension.
 *
 * @throws {DataError} when it holds something else, or is truncated.
 */
export function npyTexts(bytes: Uint8Array, file: string): string[] {
  const { descr, itemBytes, dataStart, shape } = npyHeader(bytes, file);
  const kind = /[US]/.exec(descr)?.[0];
  const count = product(shape);
  if (kind === undefined || bytes.length - dataStart !== count * itemBytes) {
    throw new DataError(`${file}: no array of text, but ${descr} of [${shape.join(", ")}]`, "Give the right file.");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + dataStart);
  return Array.from({ length: count }, (_, i) => {
    const size = kind === "U" ? itemBytes / 4 : itemBytes;
    const codes = Array.from({ length: size }, (_, k) =>
      kind === "U" ? view.getUint32(i * itemBytes + 4 * k, descr[0] !== ">") : view.getUint8(i * itemBytes + k),
    );
    return String.fromCodePoint(...codes.filter((code) => code > 0 && code <= 0x10ffff));
  });
}

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

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
  const count = product(shape);
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
