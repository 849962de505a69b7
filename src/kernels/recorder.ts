/** Recordings: what a function did on the device, kept so that it can be done again without running the function. */
import type { Binding, Command } from "./dispatcher.js";
import { CaptureError } from "./errors.js";
import { type BufferPool, bufferSize, Storage } from "./storage.js";

/** Memory of one recording: a freed storage serves the next of its size, in every replay as in the recorded run. */
class Arena {
  readonly #pool: BufferPool;
  readonly #bases = new Map<number, Storage>();
  readonly #free = new Map<number, Storage[]>();
  readonly #live = new Set<number>();
  #closed = false;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Storages in use. */
  get live(): number {
    return this.#live.size;
  }

  get bytes(): number {
    return [...this.#bases.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  allocate(bytes: number, label: string): Storage {
    const base = this.#free.get(bufferSize(bytes))?.pop() ?? this.#pool.allocate(bytes, label);
    if (!this.#bases.has(base.id)) {
      this.#bases.set(base.id, base);
      this.#pool.memory.capturedBytes += base.bytes;
    }
    this.#live.add(base.id);
    return new Storage(base.id, base.buffer, base.bytes, this);
  }

  free({ id, bytes }: Storage): void {
    const base = this.#bases.get(id);
    this.#live.delete(id);
    if (!base) return;
    const list = this.#free.get(bytes) ?? [];
    this.#free.set(bytes, list);
    list.push(base);
    if (this.#closed) this.#giveBack(base);
  }

  /** Gives the memory back, that of storages still in use once they are freed. */
  close(): void {
    this.#closed = true;
    for (const base of this.#bases.values()) if (!this.#live.has(base.id)) this.#giveBack(base);
  }

  #giveBack(base: Storage): void {
    this.#bases.delete(base.id);
    this.#pool.memory.capturedBytes -= base.bytes;
    base.release();
  }
}

/** Host state that was read while recording, and the values it had. */
interface Watch {
  readonly read: () => unknown;
  readonly seen: Set<unknown>;
}

/** Commands in order, the memory they use, and the host state they depend on. */
export class Recording {
  readonly commands: Command[] = [];
  readonly arena: Arena;
  /** Storages from outside that commands use, each kept alive, and by how much a run moves their version. */
  readonly #outside = new Map<Storage, number>();
  #expected: { readonly read: () => unknown; readonly value: unknown }[] = [];
  readonly #watched = new Map<object, Map<string, Watch>>();
  /** What host writes may not be moved in front of: buffers that commands before them use. */
  readonly #used = new Set<number>();

  constructor(pool: BufferPool) {
    this.arena = new Arena(pool);
  }

  /** Takes note of a command and of the storages it uses. */
  add(command: Command, storages: Iterable<Binding>): void {
    this.commands.push(command);
    for (const binding of storages) this.use("storage" in binding ? binding.storage : binding);
  }

  /** Takes note of a host write; one whose storage no earlier command uses is done before all commands. */
  addHostWrite(storage: Storage, write: () => void): void {
    const early = !this.#used.has(storage.id);
    this.use(storage);
    this.commands.push({ kind: "host", write, early });
  }

  /** Keeps a storage alive as long as the recording. */
  use(storage: Storage): void {
    this.#used.add(storage.id);
    if (storage.pool === this.arena || this.#outside.has(storage)) return;
    storage.retain();
    this.#outside.set(storage, storage.version);
  }

  /** See `Recorder.watch`. */
  watch(owner: object, name: string, read: () => unknown): void {
    const names = this.#watched.get(owner) ?? new Map<string, Watch>();
    this.#watched.set(owner, names);
    const watch = names.get(name) ?? { read, seen: new Set() };
    names.set(name, watch);
    watch.seen.add(read());
  }

  /** Ends the recording. State whose value no read has seen is set by the function itself, which would set it again. */
  finish(): void {
    for (const names of this.#watched.values()) {
      for (const { read, seen } of names.values()) {
        const value = read();
        if (seen.has(value)) this.#expected.push({ read, value });
      }
    }
    this.#watched.clear();
    for (const [storage, version] of this.#outside) this.#outside.set(storage, storage.version - version);
  }

  /** True while running the function again would record the same commands. */
  holds(): boolean {
    return this.#expected.every(({ read, value }) => read() === value);
  }

  /** After a replay: what it changed in place counts as changed. */
  touch(): void {
    for (const [storage, change] of this.#outside) storage.version += change;
  }

  /** Frees its memory. */
  dispose(): void {
    for (const storage of this.#outside.keys()) storage.release();
    this.#outside.clear();
    this.#expected = [];
    this.commands.length = 0;
    this.arena.close();
  }
}

/** The recording that is being made on a device, if any, and what ops tell it. */
export class Recorder {
  #current: Recording | null = null;
  #refused: CaptureError | null = null;
  readonly #pool: BufferPool;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** The recording being made; `null` when there is none. */
  get current(): Recording | null {
    return this.#current;
  }

  /** Starts a recording. */
  start(): Recording {
    this.#refused = null;
    this.#current = new Recording(this.#pool);
    return this.#current;
  }

  /** Ends the recording. @throws {CaptureError} what was refused while it was made, even where the function caught that. */
  stop(): void {
    const recording = this.#current;
    this.#current = null;
    recording?.finish();
    if (this.#refused) throw this.#refused;
  }

  /** Gives up the recording, after an error. */
  abandon(): void {
    this.#current = null;
  }

  /** Runs `body` without recording it: for what lives outside, such as constants. */
  paused<T>(body: () => T): T {
    const recording = this.#current;
    this.#current = null;
    try {
      return body();
    } finally {
      this.#current = recording;
    }
  }

  /**
   * Tells the recording that what is being recorded depends on host state: the `name` of `owner`. When `read` returns another
   * value before a replay, the function is recorded again.
   */
  watch(owner: object, name: string, read: () => unknown): void {
    this.#current?.watch(owner, name, read);
  }

  /** @throws {CaptureError} while a recording is made. */
  refuse(what: string, why: string): void {
    if (!this.#current) return;
    this.#refused ??= new CaptureError(`${what}: ${why}`);
    throw this.#refused;
  }

  /** Runs `write`, which changes `storage` from the host, now and before the commands that follow it in every replay. */
  hostWrite(storage: Storage, write: () => void): void {
    this.paused(write);
    this.#current?.addHostWrite(storage, write);
  }
}
