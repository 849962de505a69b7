/** The number types of NumPy that are read, and how their values are held. */

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

/** The value of an IEEE half. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A number type. */
export interface Dtype {
  readonly bytes: number;
  readonly create: (count: number) => NpyValues;
  /** Values that lie in the file as they do in memory. */
  readonly view?: (bytes: ArrayBuffer) => NpyValues;
  readonly get: (view: DataView, at: number, littleEndian: boolean) => number | bigint;
}

/** By NumPy's name without the byte order. */
export const DTYPES: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ["f2", { bytes: 2, create: (n) => new Float32Array(n), get: (v, at, le) => halfToNumber(v.getUint16(at, le)) }],
  [
    "f4",
    {
      bytes: 4,
      create: (n) => new Float32Array(n),
      view: (b) => new Float32Array(b),
      get: (v, at, le) => v.getFloat32(at, le),
    },
  ],
  [
    "f8",
    {
      bytes: 8,
      create: (n) => new Float64Array(n),
      view: (b) => new Float64Array(b),
      get: (v, at, le) => v.getFloat64(at, le),
    },
  ],
  ["i1", { bytes: 1, create: (n) => new Int8Array(n), view: (b) => new Int8Array(b), get: (v, at) => v.getInt8(at) }],
  [
    "i2",
    {
      bytes: 2,
      create: (n) => new Int16Array(n),
      view: (b) => new Int16Array(b),
      get: (v, at, le) => v.getInt16(at, le),
    },
  ],
  [
    "i4",
    {
      bytes: 4,
      create: (n) => new Int32Array(n),
      view: (b) => new Int32Array(b),
      get: (v, at, le) => v.getInt32(at, le),
    },
  ],
  [
    "i8",
    {
      bytes: 8,
      create: (n) => new BigInt64Array(n),
      view: (b) => new BigInt64Array(b),
      get: (v, at, le) => v.getBigInt64(at, le),
    },
  ],
  [
    "u1",
    { bytes: 1, create: (n) => new Uint8Array(n), view: (b) => new Uint8Array(b), get: (v, at) => v.getUint8(at) },
  ],
  [
    "u2",
    {
      bytes: 2,
      create: (n) => new Uint16Array(n),
      view: (b) => new Uint16Array(b),
      get: (v, at, le) => v.getUint16(at, le),
    },
  ],
  [
    "u4",
    {
      bytes: 4,
      create: (n) => new Uint32Array(n),
      view: (b) => new Uint32Array(b),
      get: (v, at, le) => v.getUint32(at, le),
    },
  ],
  [
    "u8",
    {
      bytes: 8,
      create: (n) => new BigUint64Array(n),
      view: (b) => new BigUint64Array(b),
      get: (v, at, le) => v.getBigUint64(at, le),
    },
  ],
  ["b1", { bytes: 1, create: (n) => new Uint8Array(n), get: (v, at) => (v.getUint8(at) === 0 ? 0 : 1) }],
]);
