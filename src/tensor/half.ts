/** Half precision on the host: IEEE binary16 as 16 bits, which Node 20 has no array for. */

/** The value of 16 bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Adding and taking away this leaves a small number rounded to a whole one, ties to even. */
const toWhole = 1.5 * 2 ** 52;

/** The bits of the half nearest to a number, ties to even; infinity from 65520 on. */
export function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  // Exact powers of two: halves of one exponent are multiples of 2^(exponent - 10); those below 2^-14 of 2^-24.
  let exponent = -14;
  while (size >= 2 ** (exponent + 1)) exponent++;
  const multiple = size * 2 ** (10 - exponent) + toWhole - toWhole;
  // The hidden bit of a normal half is one step of the exponent.
  return sign | (((exponent + 14) << 10) + multiple);
}

/** Numbers as halves, an even count of them: GPU memory is written in 32-bit words. */
export function packHalves(list: ArrayLike<number | boolean>): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(2 * Math.ceil(list.length / 2));
  for (let i = 0; i < list.length; i++) halves[i] = numberToHalf(Number(list[i]));
  return halves;
}

/** The values of the first `count` halves. */
export const unpackHalves = (bytes: ArrayBuffer, count: number): Float32Array<ArrayBuffer> =>
  Float32Array.from(new Uint16Array(bytes, 0, count), halfToNumber);
