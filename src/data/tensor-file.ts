/** What checkpoints have in common, whatever the format: named tensors, of which only the wanted ones are read. */
import { DataError } from "./errors.js";
import { halfToNumber } from "./npy-dtypes.js";

/** A tensor of a file, in f32. */
export interface FileTensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

/** An open file of tensors; close it when done. */
export interface TensorFile {
  readonly file: string;
  /** Shapes by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** @throws {DataError} when there is no such tensor, or it is cut off. */
  read(name: string): Promise<FileTensor>;
  close(): Promise<void>;
}

/** How an element type is stored. */
export interface ElementType {
  readonly bytes: number;
  readonly get: (view: DataView, at: number) => number;
}

const scratch = new DataView(new ArrayBuffer(4));

function bfloat(bits: number): number {
  // The upper half of an f32.
  scratch.setUint32(0, bits * 0x10000);
  return scratch.getFloat32(0);
}

const F32: ElementType = { bytes: 4, get: (view, at) => view.getFloat32(at, true) };
const F64: ElementType = { bytes: 8, get: (view, at) => view.getFloat64(at, true) };
const F16: ElementType = { bytes: 2, get: (view, at) => halfToNumber(view.getUint16(at, true)) };
const BF16: ElementType = { bytes: 2, get: (view, at) => bfloat(view.getUint16(at, true)) };
const I64: ElementType = { bytes: 8, get: (view, at) => Number(view.getBigInt64(at, true)) };
const I32: ElementType = { bytes: 4, get: (view, at) => view.getInt32(at, true) };
const I16: ElementType = { bytes: 2, get: (view, at) => view.getInt16(at, true) };
const I8: ElementType = { bytes: 1, get: (view, at) => view.getInt8(at) };
const U8: ElementType = { bytes: 1, get: (view, at) => view.getUint8(at) };

/** Element types by their names in safetensors. */
export const safetensorsTypes: ReadonlyMap<string, ElementType> = new Map([
  ["F32", F32],
  ["F64", F64],
  ["F16", F16],
  ["BF16", BF16],
  ["I64", I64],
  ["I32", I32],
  ["I16", I16],
  ["I8", I8],
  ["U8", U8],
  ["BOOL", U8],
]);

/** Element types by the names of PyTorch's storages. */
export const storageTypes: ReadonlyMap<string, ElementType> = new Map([
  ["FloatStorage", F32],
  ["DoubleStorage", F64],
  ["HalfStorage", F16],
  ["BFloat16Storage", BF16],
  ["LongStorage", I64],
  ["IntStorage", I32],
  ["ShortStorage", I16],
  ["CharStorage", I8],
  ["ByteStorage", U8],
  ["BoolStorage", U8],
]);

/** Elements laid out by strides (in elements) from the start of `bytes`, as row-major f32. */
export function readStrided(
  bytes: Uint8Array,
  type: ElementType,
  shape: readonly number[],
  strides: readonly number[],
): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const index = shape.map(() => 0);
  let at = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = type.get(view, at * type.bytes);
    for (let d = shape.length - 1; d >= 0; d--) {
      const [next, stride] = [(index[d] as number) + 1, strides[d] as number];
      index[d] = next;
      at += stride;
      if (next < (shape[d] as number)) break;
      index[d] = 0;
      at -= next * stride;
    }
  }
  return out;
}

/** Strides of a row-major array. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  return shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
}

/** The error for a tensor that a file does not have. */
export function noTensor(file: string, name: string, names: Iterable<string>): DataError {
  const some = [...names].slice(0, 5).join(", ");
  return new DataError(`${file}: no tensor ${name}, it holds ${some || "none"} ...`, "Give the right file.");
}
