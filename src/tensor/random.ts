/** Random tensors from a counter-based generator: the same seed gives the same numbers on every adapter, and no draw leaves the GPU. */
import { Device } from "../kernels/device.js";
import { ShapeError } from "../kernels/errors.js";
import {
  blocksOf,
  type Distribution,
  type DistributionParameters,
  random,
  randomAdvance,
  streamWords,
} from "../kernels/random.js";
import { checkKind, readOptions, show } from "./options.js";
import { checkShape, type Shape } from "./shape.js";
import { checkDevice, type DType, empty, type Tensor, tensor } from "./tensor.js";

/** Where a generator stands, for checkpoints: plain numbers. */
export interface RngState {
  /** Whole number in [0, 2^53). */
  readonly seed: number;
  /** Blocks of four numbers drawn so far. */
  readonly counter: number;
}

/** Centre and width of a normal distribution. */
interface NormalOptions {
  /** Default 0. */
  readonly mean?: number;
  /** Default 1. */
  readonly std?: number;
}

const limit = 2 ** 53;
const word = 2 ** 32;

function checkWhole(what: string, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= limit)
    throw new ShapeError(`rng: ${what} must be a whole number in [0, 2^53), got ${show(value)}`);
}

/** A hash of a seed and a name to 53 bits: two lanes of multiply and rotate, each text unit mixed into both. */
function hashSeed(seed: number, name: string): number {
  let a = 0xdeadbeef ^ (seed >>> 0);
  let b = 0x41c6ce57 ^ Math.floor(seed / word);
  for (const unit of `${seed}/${name}`) {
    const code = unit.codePointAt(0) as number;
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
    a = (a << 13) | (a >>> 19);
    b = (b << 15) | (b >>> 17);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (b & 0x1fffff) * word + (a >>> 0);
}

/**
 * A stream of random numbers: Philox4x32-10 with a seed as its key and a counter that every draw moves on. The counter lives
 * on the GPU, so that drawing uploads nothing. Made by `createRng` or `device.rng(seed)`, outside all scopes.
 */
export class Rng {
  readonly device: Device;
  #seed: number;
  readonly #state: Tensor;

  /** @throws {ShapeError} unless the seed is a whole number in [0, 2^53). */
  constructor(device: Device, seed: number) {
    checkDevice("rng", device);
    checkWhole("seed", seed);
    device.recorder.refuse(
      "rng",
      "made in a captured function, it would start anew in its first call only; make it outside",
    );
    this.device = device;
    this.#seed = seed;
    this.#state = device.unscoped(() => tensor(device, words({ seed, counter: 0 }), [streamWords], { dtype: "u32" }));
  }

  /** What the stream started from. */
  get seed(): number {
    return this.#seed;
  }

  /** f32 in [low, high), 24 random bits. Defaults 0 and 1. @throws {ShapeError} unless low <= high. */
  uniform(shape: Shape, options: { readonly low?: number; readonly high?: number } = {}): Tensor {
    const { low = 0, high = 1 } = readOptions<typeof options>("rng.uniform", options, {
      low: "finite?",
      high: "finite?",
    });
    if (!(low <= high)) throw new ShapeError(`rng.uniform: low must not exceed high, got ${low} and ${high}`);
    return this.#draw("uniform", shape, { low, scale: high - low });
  }

  /** Normal f32 by inversion of the distribution function, up to 6.3 sigma. Defaults 0 and 1. @throws {ShapeError} unless std >= 0. */
  normal(shape: Shape, options: NormalOptions = {}): Tensor {
    const { mean, std } = readNormal("rng.normal", options);
    return this.#draw("normal", shape, { low: mean, scale: std });
  }

  /**
   * Normal f32 given that it lies within two `std` of `mean`, by inversion. `std` is that of the untruncated distribution;
   * the numbers' own is 0.8796 of it. Defaults 0 and 1. @throws {ShapeError} unless std >= 0.
   */
  truncatedNormal(shape: Shape, options: NormalOptions = {}): Tensor {
    const { mean, std } = readNormal("rng.truncatedNormal", options);
    return this.#draw("truncatedNormal", shape, { low: mean, scale: std });
  }

  /** i32 in [low, high), from 32 random bits. Default low 0. @throws {ShapeError} unless both are i32 and low < high. */
  integers(shape: Shape, options: { readonly low?: number; readonly high: number }): Tensor {
    const { low = 0, high } = readOptions<typeof options>("rng.integers", options, { low: "number?", high: "number" });
    const valid = (value: number, most: number) => Number.isInteger(value) && value >= -(2 ** 31) && value <= most;
    if (!valid(low, 2 ** 31 - 1) || !valid(high, 2 ** 31) || low >= high || high - low >= word)
      throw new ShapeError(
        `rng.integers: low and high must be 32-bit integers, low below high, got ${low} and ${high}`,
      );
    return this.#draw("integers", shape, { lowInt: low, range: high - low }, "i32");
  }

  /** bool, true with probability `p` (to 24 bits). @throws {ShapeError} unless p lies in [0, 1]. */
  bernoulli(shape: Shape, p: number): Tensor {
    checkKind("rng.bernoulli", "p", p, "number");
    if (!(p >= 0 && p <= 1)) throw new ShapeError(`rng.bernoulli: p must lie in [0, 1], got ${p}`);
    return this.#draw("bernoulli", shape, { scale: p }, "bool");
  }

  /** The generator's own words, as u32: the same on every adapter. */
  bits(shape: Shape): Tensor {
    return this.#draw("bits", shape, {}, "u32");
  }

  /**
   * Takes `count` numbers for an op that draws in its own kernel.
   *
   * @returns u32 `[6]`: key and counter before the draw; the op keeps it to draw the same numbers again in its gradient.
   */
  take(count: number): Tensor {
    checkKind("rng.take", "count", count, "count");
    this.#state.watch();
    const stream = empty(this.device, [streamWords], "u32", "rng/stream");
    randomAdvance(this.device, this.#state.storage, stream.storage, blocksOf(count));
    return stream;
  }

  /** A stream of its own, from a hash of this one's seed and `name`; the same however far this one has come. */
  fork(name: string): Rng {
    checkKind("rng.fork", "name", name, "string");
    return new Rng(this.device, hashSeed(this.#seed, name));
  }

  /** Where the stream stands. Reads from the GPU. */
  async state(): Promise<RngState> {
    const [, , low = 0, high = 0] = await this.#state.data();
    return { seed: this.#seed, counter: high * word + low };
  }

  /** Puts the stream back to where `state` was taken. @throws {ShapeError} unless both are whole numbers in [0, 2^53). */
  restore(state: RngState): void {
    const { seed, counter } = readOptions<RngState>("rng.restore", state, { seed: "number", counter: "number" });
    checkWhole("seed", seed);
    checkWhole("counter", counter);
    this.#seed = state.seed;
    this.#state.write(words(state));
  }

  /** Frees the state. */
  dispose(): void {
    this.#state.dispose();
  }

  #draw(distribution: Distribution, shape: Shape, parameters: DistributionParameters, dtype: DType = "f32"): Tensor {
    checkShape(`rng.${distribution}`, shape);
    const output = empty(this.device, shape, dtype, `rng/${distribution}`);
    if (output.size === 0) return output;
    const stream = this.take(output.size);
    random(this.device, distribution, parameters, stream.storage, output.storage, output.size);
    stream.dispose();
    return output;
  }
}

function words({ seed, counter }: RngState): number[] {
  return [seed % word, Math.floor(seed / word), counter % word, Math.floor(counter / word), 0, 0];
}

function readNormal(op: string, options: NormalOptions): Required<NormalOptions> {
  const { mean = 0, std = 1 } = readOptions<NormalOptions>(op, options, { mean: "finite?", std: "finite?" });
  if (!(std >= 0)) throw new ShapeError(`${op}: std must not be negative, got ${std}`);
  return { mean, std };
}

/** A stream of random numbers on `device`. @throws {ShapeError} unless the seed is a whole number in [0, 2^53). */
export function createRng(device: Device, seed: number): Rng {
  return new Rng(device, seed);
}

declare module "../kernels/device.js" {
  interface Device {
    /** A stream of random numbers. @throws {ShapeError} unless the seed is a whole number in [0, 2^53). */
    rng(seed: number): Rng;
  }
}

Device.prototype.rng = function (seed: number): Rng {
  return new Rng(this, seed);
};
