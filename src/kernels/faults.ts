/** Mistakes that only the GPU can see, such as an index outside its axis: kernels note them, and the next wait for the GPU reports them. */
import { IndexError } from "./errors.js";
import type { Storage } from "./storage.js";

/** A check of indices: what it was for, and the size that they must stay below. */
export interface IndexCheck {
  readonly op: string;
  readonly size: number;
}

/** Words that the kernels write: number of the check, 2^32 - 1 - first position, largest negative magnitude, largest value. */
export const faultBytes = 16;

/** The mistakes of one device. All words are 0 as long as there was none. */
export class Faults {
  readonly #checks: IndexCheck[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #allocate: () => Storage;
  #storage: Storage | null = null;

  /** @param allocate - Makes a storage of zeros that lives as long as the device. */
  constructor(allocate: () => Storage) {
    this.#allocate = allocate;
  }

  /** Where kernels note mistakes; `null` as long as nothing was checked. */
  get storage(): Storage | null {
    return this.#storage;
  }

  /** The number, from 1, and the storage that a kernel needs for a check. */
  check(check: IndexCheck): { number: number; storage: Storage } {
    this.#storage ??= this.#allocate();
    const key = `${check.op} ${check.size}`;
    const number = this.#numbers.get(key) ?? this.#checks.push(check);
    this.#numbers.set(key, number);
    return { number, storage: this.#storage };
  }

  /** What the words tell; `null` when all is well. */
  error(words: Uint32Array): IndexError | null {
    const [number = 0, position = 0, below = 0, above = 0] = words;
    const check = this.#checks[number - 1];
    if (!check) return null;
    const got = [...(below > 0 ? [-below] : []), ...(above > 0 || below === 0 ? [above] : [])];
    const rule =
      check.size === 0 ? "there is no index into an axis of size 0" : `indices must lie in [0, ${check.size - 1}]`;
    const first = 0xffffffff - position;
    return new IndexError(
      `${check.op}: ${rule}, got ${got.join(" and ")}; the first wrong one is element ${first} of the indices`,
    );
  }
}
