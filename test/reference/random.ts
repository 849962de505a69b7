/** Philox4x32-10 in BigInt arithmetic, and dropout on it. */

const mask = 0xffffffffn;

/** One block: four words from a counter of four and a key of two. */
export function philoxReference(counter: readonly number[], key: readonly number[]): number[] {
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0;
    const p1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & mask, (p0 >> 32n) ^ c3 ^ k1, p0 & mask];
    k0 = (k0 + 0x9e3779b9n) & mask;
    k1 = (k1 + 0xbb67ae85n) & mask;
  }
  return [c0, c1, c2, c3].map(Number);
}

/** The first `count` words of the stream of `seed` from block `counter` on. */
export function wordsReference(seed: number, counter: number, count: number): Uint32Array {
  const split = (value: number) => [value % 2 ** 32, Math.floor(value / 2 ** 32)];
  const words = new Uint32Array(Math.ceil(count / 4) * 4);
  for (let b = 0; b < words.length / 4; b++)
    words.set(philoxReference([...split(counter + b), 0, 0], split(seed)), 4 * b);
  return words.slice(0, count);
}

/** Dropout of `x` with the words of a stream. */
export function dropoutReference(x: ArrayLike<number>, words: Uint32Array, rate: number): Float64Array {
  const limit = Math.fround(rate);
  return Float64Array.from(x, (value, i) => ((words[i]! >>> 8) / 2 ** 24 >= limit ? value / (1 - rate) : 0));
}
