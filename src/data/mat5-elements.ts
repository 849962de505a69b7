/** The inside of a MAT 5 file: tagged elements and the number types they are stored in. Format: MathWorks, "MAT-File Format", level 5. */
import { DataError } from "./errors.js";

/** A stretch of MAT 5 bytes and how to read it; the file name is there for messages. */
export interface MatSource {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly littleEndian: boolean;
}

/** One tagged element: its data lies in `[start, end)`, the element after it begins at `next`. */
export interface MatElement {
  readonly type: number;
  readonly start: number;
  readonly end: number;
  readonly next: number;
}

/** Values of a numeric variable in its own class; 64-bit integers are BigInts. */
export type MatArray =
  | Float64Array
  | Float32Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Element types of the format (mi...) that this reader names. */
export const MI = { int8: 1, int32: 5, uint32: 6, matrix: 14, compressed: 15, utf8: 16, utf16: 17, utf32: 18 } as const;

interface Storage {
  readonly bytes: number;
  readonly get: (view: DataView, at: number, littleEndian: boolean) => number | bigint;
  readonly array: (buffer: ArrayBuffer) => MatArray;
}

const int8: Storage = { bytes: 1, get: (v, at) => v.getInt8(at), array: (b) => new Int8Array(b) };
const uint8: Storage = { bytes: 1, get: (v, at) => v.getUint8(at), array: (b) => new Uint8Array(b) };
const int16: Storage = { bytes: 2, get: (v, at, le) => v.getInt16(at, le), array: (b) => new Int16Array(b) };
const uint16: Storage = { bytes: 2, get: (v, at, le) => v.getUint16(at, le), array: (b) => new Uint16Array(b) };
const int32: Storage = { bytes: 4, get: (v, at, le) => v.getInt32(at, le), array: (b) => new Int32Array(b) };
const uint32: Storage = { bytes: 4, get: (v, at, le) => v.getUint32(at, le), array: (b) => new Uint32Array(b) };
const single: Storage = { bytes: 4, get: (v, at, le) => v.getFloat32(at, le), array: (b) => new Float32Array(b) };
const double: Storage = { bytes: 8, get: (v, at, le) => v.getFloat64(at, le), array: (b) => new Float64Array(b) };
const int64: Storage = { bytes: 8, get: (v, at, le) => v.getBigInt64(at, le), array: (b) => new BigInt64Array(b) };
const uint64: Storage = { bytes: 8, get: (v, at, le) => v.getBigUint64(at, le), array: (b) => new BigUint64Array(b) };

/** By element type. Text types are here too, as the integers they are made of. */
const STORAGE: ReadonlyMap<number, Storage> = new Map([
  [1, int8],
  [2, uint8],
  [3, int16],
  [4, uint16],
  [5, int32],
  [6, uint32],
  [7, single],
  [9, double],
  [12, int64],
  [13, uint64],
  [MI.utf8, uint8],
  [MI.utf16, uint16],
  [MI.utf32, uint32],
]);

/** Numeric classes by their code (mx...): MATLAB's name and how its values are held. */
export const NUMERIC_CLASSES: ReadonlyMap<number, { readonly name: string; readonly storage: Storage }> = new Map([
  [6, { name: "double", storage: double }],
  [7, { name: "single", storage: single }],
  [8, { name: "int8", storage: int8 }],
  [9, { name: "uint8", storage: uint8 }],
  [10, { name: "int16", storage: int16 }],
  [11, { name: "uint16", storage: uint16 }],
  [12, { name: "int32", storage: int32 }],
  [13, { name: "uint32", storage: uint32 }],
  [14, { name: "int64", storage: int64 }],
  [15, { name: "uint64", storage: uint64 }],
]);

/** A source over `bytes`. */
export function matSource(file: string, bytes: Uint8Array, littleEndian: boolean): MatSource {
  return { file, bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), littleEndian };
}

/** The error for bytes that contradict the format. */
export function damaged(source: MatSource, what: string): DataError {
  return new DataError(`${source.file}: truncated or damaged MAT file: ${what}`, "Copy or download it again.");
}

/**
 * Reads the tag at byte `at`; nothing of the element may reach past `limit`.
 *
 * @throws {DataError} when it does.
 */
export function readElement(source: MatSource, at: number, limit: number): MatElement {
  const left = limit - at;
  if (left < 8) throw damaged(source, `an element at byte ${at} needs 8 bytes, ${Math.max(left, 0)} are left`);
  checkThere(source, at + 8);
  const first = source.view.getUint32(at, source.littleEndian);
  const smallBytes = first >>> 16;
  if (smallBytes !== 0) {
    if (smallBytes > 4) throw damaged(source, `a small element at byte ${at} says ${smallBytes} bytes, at most 4 fit`);
    return { type: first & 0xffff, start: at + 4, end: at + 4 + smallBytes, next: at + 8 };
  }
  const bytes = source.view.getUint32(at + 4, source.littleEndian);
  const start = at + 8;
  if (bytes > limit - start)
    throw damaged(source, `an element at byte ${at} needs ${bytes} bytes, ${limit - start} are left`);
  const end = start + bytes;
  // Compressed elements are the only ones that are not padded to 8 bytes.
  const next = first === MI.compressed ? end : Math.min(limit, start + Math.ceil(bytes / 8) * 8);
  return { type: first, start, end, next };
}

function storageOf(source: MatSource, element: MatElement): Storage {
  const storage = STORAGE.get(element.type);
  if (storage === undefined)
    throw damaged(source, `element type ${element.type} at byte ${element.start} holds no numbers`);
  return storage;
}

/** How many values an element of numbers holds. */
export function valueCount(source: MatSource, element: MatElement): number {
  const { bytes } = storageOf(source, element);
  const size = element.end - element.start;
  if (size % bytes !== 0)
    throw damaged(source, `${size} bytes at byte ${element.start} are no whole number of values of ${bytes}`);
  return size / bytes;
}

/**
 * The values of an element, widened from how they are stored (MATLAB writes doubles that are small integers as bytes) to their class.
 *
 * @throws {DataError} when the element holds no numbers or a broken one.
 */
export function readValues(source: MatSource, element: MatElement, as: Storage): MatArray {
  const storage = storageOf(source, element);
  const count = valueCount(source, element);
  checkThere(source, element.end);
  if (storage === as && source.littleEndian) {
    // Copied, because the data may start at an address that the typed array does not allow.
    return as.array(new Uint8Array(source.bytes.subarray(element.start, element.end)).buffer);
  }
  const values = as.array(new ArrayBuffer(count * as.bytes));
  const read = (i: number) => storage.get(source.view, element.start + i * storage.bytes, source.littleEndian);
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    for (let i = 0; i < count; i++) values[i] = toBigInt(source, read(i));
  } else {
    for (let i = 0; i < count; i++) values[i] = Number(read(i));
  }
  return values;
}

function toBigInt(source: MatSource, value: number | bigint): bigint {
  if (typeof value === "number" && !Number.isInteger(value)) throw damaged(source, `${value} in an integer variable`);
  return BigInt(value);
}

/** A file that is read in part may say that an element lies where nothing was read. */
function checkThere(source: MatSource, end: number): void {
  if (end > source.bytes.length) throw damaged(source, `byte ${end} is needed, ${source.bytes.length} are there`);
}

/** The values of an element as plain numbers: for the small integers of dimensions, flags and text. */
export function readIntegers(source: MatSource, element: MatElement): number[] {
  const storage = storageOf(source, element);
  const count = valueCount(source, element);
  checkThere(source, element.end);
  return Array.from({ length: count }, (_, i) =>
    Number(storage.get(source.view, element.start + i * storage.bytes, source.littleEndian)),
  );
}
