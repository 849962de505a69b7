/** GPU memory: reference-counted storages over a pool of buffers, so that a training step allocates nothing after the first. */
import { DeviceError, DisposedError } from "./errors.js";
import type { Health } from "./health.js";

/** Counts of a device's memory, in bytes unless they say otherwise. */
export interface MemoryReport {
  /** Tensors that are alive. */
  tensors: number;
  /** GPU buffers in use. */
  buffers: number;
  /** Bytes of the buffers in use. */
  bytes: number;
  /** Bytes of freed buffers kept for reuse. */
  pooledBytes: number;
  /** The most `bytes` has been. */
  peakBytes: number;
  /** Bytes, among `bytes`, that belong to captured functions until these are disposed. */
  capturedBytes: number;
}

/** A block of GPU memory, shared by the tensors that view it and freed when the last of them is. */
export class Storage {
  /** Names the GPU buffer, which may serve several storages one after another. */
  readonly id: number;
  readonly buffer: GPUBuffer;
  /** Where it begins in the buffer, a multiple of 256: 0 but for an application's buffer. */
  readonly offset: number;
  /** Size from there, a multiple of 256. */
  readonly bytes: number;
  /** Counts in-place updates, so that backward can tell that a saved value has changed since. */
  version = 0;
  #references = 1;
  /** Where it goes when it is freed. */
  readonly #pool: { free(storage: Storage): void };

  constructor(id: number, buffer: GPUBuffer, bytes: number, pool: { free(storage: Storage): void }, offset = 0) {
    this.id = id;
    this.buffer = buffer;
    this.offset = offset;
    this.bytes = bytes;
    this.#pool = pool;
  }

  /** True when nobody uses it any more. */
  get freed(): boolean {
    return this.#references === 0;
  }

  /** Adds a user. */
  retain(): void {
    if (this.#references === 0) throw new DisposedError("storage: used after it was freed");
    this.#references++;
  }

  /** Removes a user; the last one gives the buffer back to the pool. */
  release(): void {
    if (this.#references === 0) return;
    if (--this.#references === 0) this.#pool.free(this);
  }
}

const granularity = 256;

/** Size of the buffer that serves `bytes` bytes. */
export const bufferSize = (bytes: number) => Math.max(granularity, Math.ceil(bytes / granularity) * granularity);

/** Buffers by exact size. Queue order makes immediate reuse safe: later commands run after earlier ones. */
export class BufferPool {
  readonly memory: MemoryReport = { tensors: 0, buffers: 0, bytes: 0, pooledBytes: 0, peakBytes: 0, capturedBytes: 0 };
  readonly #gpu: GPUDevice;
  readonly #free = new Map<number, Storage[]>();
  readonly #pooledLimit: number;
  #nextId = 0;

  readonly #health: Pick<Health, "watchAllocation">;
  readonly #beforeDestroy: () => void;
  /** Every buffer made here and not destroyed yet. */
  readonly #made = new Set<GPUBuffer>();

  /** @param beforeDestroy - Submits the recorded commands, which may still name a buffer that is about to be destroyed. */
  constructor(
    gpu: GPUDevice,
    health: Pick<Health, "watchAllocation">,
    beforeDestroy: () => void,
    pooledLimit = 2 ** 31,
  ) {
    this.#gpu = gpu;
    this.#health = health;
    this.#beforeDestroy = beforeDestroy;
    this.#pooledLimit = pooledLimit;
  }

  /**
   * A buffer of at least `bytes` bytes. Its content is whatever was there before.
   *
   * @param fresh - A new buffer, of zeros.
   * @throws {DeviceError} when the adapter allows no buffer of that size.
   */
  allocate(bytes: number, label: string, fresh = false): Storage {
    const size = bufferSize(bytes);
    const limit = this.#gpu.limits.maxBufferSize;
    if (size > limit) {
      throw new DeviceError(
        `${label}: needs a buffer of ${size} bytes, but this adapter allows ${limit} (maxBufferSize)`,
      );
    }
    const reused = fresh ? undefined : this.#free.get(size)?.pop();
    const buffer = reused?.buffer ?? this.#create(size, label);
    // The id names the buffer, so that cached bind groups are found again when it is reused.
    const storage = new Storage(reused?.id ?? this.#nextId++, buffer, size, this);
    if (reused) this.memory.pooledBytes -= size;
    this.memory.buffers++;
    this.memory.bytes += size;
    this.memory.peakBytes = Math.max(this.memory.peakBytes, this.memory.bytes);
    return storage;
  }

  /** Takes a buffer back, for reuse or, beyond the pool's limit, to be destroyed. */
  free(storage: Storage): void {
    this.memory.buffers--;
    this.memory.bytes -= storage.bytes;
    if (this.memory.pooledBytes + storage.bytes > this.#pooledLimit) {
      this.#beforeDestroy();
      this.#destroy(storage.buffer);
      return;
    }
    const list = this.#free.get(storage.bytes);
    if (list) list.push(storage);
    else this.#free.set(storage.bytes, [storage]);
    this.memory.pooledBytes += storage.bytes;
  }

  /** Destroys the buffers that wait for reuse. */
  trim(): void {
    this.#beforeDestroy();
    for (const list of this.#free.values()) for (const { buffer } of list) this.#destroy(buffer);
    this.#free.clear();
    this.memory.pooledBytes = 0;
  }

  /** Destroys every buffer made here, in use or not. */
  destroy(): void {
    this.#beforeDestroy();
    for (const buffer of this.#made) this.#destroy(buffer);
    this.#free.clear();
    this.memory.pooledBytes = 0;
  }

  /** A storage in a buffer that is not ours: it is neither counted nor destroyed. */
  wrap(buffer: GPUBuffer, offset: number, bytes: number): Storage {
    return new Storage(this.#nextId++, buffer, bytes, { free: () => undefined }, offset);
  }

  #create(size: number, label: string): GPUBuffer {
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const usage = STORAGE | COPY_SRC | COPY_DST;
    const buffer = this.#health.watchAllocation(label, size, () => this.#gpu.createBuffer({ label, size, usage }));
    this.#made.add(buffer);
    return buffer;
  }

  #destroy(buffer: GPUBuffer): void {
    this.#made.delete(buffer);
    buffer.destroy();
  }
}
