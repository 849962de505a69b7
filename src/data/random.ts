/** Random numbers on the host for splits and simulated data: Philox4x32-10, counter-based, the same in Node and browsers. */
import { DataError } from "./errors.js";

const MULTIPLIER = [0xd2511f53, 0xcd9e8d57] as const;
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;
type Four = readonly [number, number, number, number];
type Two = readonly [number, number];

/** High and low 32 bits of the product of two unsigned 32-bit numbers; doubles hold only 53 of its 64 bits. */
function multiply(a: number, b: number): Two {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  const high = aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000);
  return [high >>> 0, Math.imul(a, b) >>> 0];
}

/**
 * Philox4x32-10: 4 random words of 32 bits from a counter and a key.
 *
 * @see Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; checked against the known answers of Random123.
 */
export function philox4x32([c0, c1, c2, c3]: Four, [k0, k1]: Two): Four {
  let counter: Four = [c0, c1, c2, c3];
  let key: Two = [k0, k1];
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(MULTIPLIER[0], counter[0]);
    const [high1, low1] = multiply(MULTIPLIER[1], counter[2]);
    counter = [(high1 ^ counter[1] ^ key[0]) >>> 0, low1, (high0 ^ counter[3] ^ key[1]) >>> 0, low0];
    key = [(key[0] + WEYL[0]) >>> 0, (key[1] + WEYL[1]) >>> 0];
  }
  return counter;
}

/** A stream of random numbers, fixed by its seed. Independent streams for independent purposes come from {@link HostRandom.fork}. */
export class HostRandom {
  private readonly key: Two;
  private block = 0;
  private words: Four = [0, 0, 0, 0];
  private used = 4;
  private spareNormal: number | null = null;

  /**
   * @param seed - A whole number from 0 to 2^53 - 1.
   * @throws {DataError} when it is not.
   */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new DataError(`seed ${seed} is not a whole number from 0 to 2^53 - 1`, "Give such a number.");
    }
    this.key = [seed >>> 0, Math.floor(seed / 2 ** 32)];
  }

  /** A stream of its own, fixed by this stream's seed and `name`, whatever was drawn before. */
  fork(name: string): HostRandom {
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    // Counter words that no ordinary draw uses (its last word is 0) keep a fork apart from its parent's numbers.
    const [low, high] = philox4x32([hash, name.length, 0, 1], this.key);
    return new HostRandom((high >>> 11) * 2 ** 32 + low);
  }

  private word(): number {
    if (this.used === 4) {
      this.words = philox4x32([this.block >>> 0, Math.floor(this.block / 2 ** 32), 0, 0], this.key);
      this.block++;
      this.used = 0;
    }
    return this.words[this.used++] as number;
  }

  /** Uniform in [0, 1), in steps of 2^-32. */
  uniform(): number {
    return this.word() / 2 ** 32;
  }

  /** Normal with mean 0 and standard deviation 1 (Box-Muller). */
  normal(): number {
    if (this.spareNormal !== null) {
      const spare = this.spareNormal;
      this.spareNormal = null;
      return spare;
    }
    // Half a step up, so that the logarithm never sees 0.
    const radius = Math.sqrt(-2 * Math.log((this.word() + 0.5) / 2 ** 32));
    const angle = 2 * Math.PI * this.uniform();
    this.spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /**
   * A whole number from 0 to n - 1, each equally likely.
   *
   * @throws {DataError} when n is not a whole number from 1 to 2^32.
   */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new DataError(`integer(n): n is ${n}, expected a whole number from 1 to 2^32`, "Give such a number.");
    }
    // Words at the top that would favour small remainders are drawn again.
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const word = this.word();
      if (word < limit) return word % n;
    }
  }

  /** The numbers 0 to n - 1 in random order. */
  permutation(n: number): number[] {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const swapped = order[i] as number;
      order[i] = order[j] as number;
      order[j] = swapped;
    }
    return order;
  }
}
