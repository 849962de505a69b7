/** Recordings: what a function did on the device, kept so that it can be done again without running the function. */
import type { Binding, Command, DispatchCommand, RecordedCommand } from "./dispatcher.js";
import { fuse } from "./fusion.js";
import { planMemory } from "./memory-plan.js";
import type { BufferPool, Storage } from "./storage.js";

/** Host state that was read while recording, and the values it had. */
interface Watch {
  readonly read: () => unknown;
  readonly seen: Set<unknown>;
}

/** What a recording needs of its device to become a replay. */
export interface RecordingDevice {
  readonly pool: BufferPool;
  /** Storages that one kernel may bind. */
  readonly maxBuffers: number;
  bind(command: DispatchCommand): Command;
  /** Makes the pipelines of dispatches side by side. @throws {DeviceError} when one does not compile. */
  compile(commands: readonly DispatchCommand[]): Promise<void>;
}

/** Commands in order, the memory they use, and the host state they depend on. */
export class Recording {
  /** What a replay does; empty until the recording is bound. */
  commands: readonly Command[] = [];
  /** The same before it is bound. */
  #planned: readonly RecordedCommand[] = [];
  readonly #device: RecordingDevice;
  #recorded: RecordedCommand[] = [];
  /** What was made while recording and does not live on: a replay has memory of its own in its place. */
  readonly #temporary = new Set<Storage>();
  readonly #results = new Set<Storage>();
  /** Storages from outside that commands use, each kept alive, and their versions before and after a run. */
  readonly #outside = new Map<Storage, { readonly before: number; after: number }>();
  readonly #memory: Storage[] = [];
  #places: ReadonlyMap<Storage, Storage> = new Map();
  readonly #watched = new Map<object, Map<string, Watch>>();
  #expected: { readonly read: () => unknown; readonly value: unknown }[] = [];
  readonly #used = new Set<Storage>();

  constructor(device: RecordingDevice) {
    this.#device = device;
  }

  /** Bytes of memory that it holds. */
  get bytes(): number {
    return this.#memory.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** How many of the storages made while recording are still in use. */
  get left(): number {
    return [...this.#temporary].filter(({ freed }) => !freed).length;
  }

  /** Memory for an argument, as long as the recording. */
  reserve(bytes: number, label: string): Storage {
    const storage = this.#device.pool.allocate(bytes, label);
    this.#memory.push(storage);
    this.#device.pool.memory.capturedBytes += storage.bytes;
    return storage;
  }

  /** Takes note of a storage that is the recorded function's own. */
  own(storage: Storage): Storage {
    this.#temporary.add(storage);
    return storage;
  }

  /** Takes note of a command and of the storages it uses. */
  add(command: RecordedCommand, storages: Iterable<Binding>): void {
    this.#recorded.push(command);
    for (const binding of storages) this.#use("storage" in binding ? binding.storage : binding);
  }

  /** Takes note of a host write; one whose storage no earlier command uses is done before all commands. */
  addHostWrite(storage: Storage, write: (storage: Storage) => void): void {
    const early = !this.#used.has(storage);
    this.#use(storage);
    this.#recorded.push({ kind: "host", storage, write, early });
  }

  /** Takes note of a result: it must be there after a replay. */
  addResult(storage: Storage): void {
    this.#use(storage);
    this.#results.add(storage);
  }

  /** Where a replay has what was in `storage` in the recorded run. */
  placeOf(storage: Storage): Storage {
    return this.#places.get(storage) ?? storage;
  }

  #use(storage: Storage): void {
    this.#used.add(storage);
    if (this.#temporary.has(storage) || this.#outside.has(storage)) return;
    storage.retain();
    this.#outside.set(storage, { before: storage.version, after: storage.version });
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
    for (const [storage, versions] of this.#outside) versions.after = storage.version;
    this.#plan();
  }

  /** After a rehearsal: nothing has changed in place. */
  untouch(): void {
    for (const [storage, { before }] of this.#outside) storage.version = before;
  }

  /** Makes the pipelines that it needs side by side, without holding up the host. */
  compile(): Promise<void> {
    return this.#device.compile(this.#planned.filter((command) => command.kind === "dispatch"));
  }

  /** Makes ready to replay. */
  bind(): void {
    this.commands = this.#planned.map((command) =>
      command.kind === "dispatch" ? this.#device.bind(command) : command,
    );
    this.#planned = [];
  }

  /** From what was noted down to commands that can be done again: fused, in memory of their own. */
  #plan(): void {
    const isTemporary = (storage: Storage) => this.#temporary.has(storage) && !this.#results.has(storage);
    const commands = fuse(this.#recorded, { isTemporary, maxBuffers: this.#device.maxBuffers });
    const blocks = planMemory(commands, this.#temporary, this.#results);
    const places = new Map<Storage, Storage>();
    for (const { bytes, storages } of blocks) {
      const memory = this.reserve(bytes, "capture");
      for (const storage of storages) places.set(storage, memory);
    }
    this.#places = places;
    this.#planned = commands.map((command) => this.#placed(command));
    this.#recorded = [];
    this.#temporary.clear();
    this.#used.clear();
  }

  /** The command in the replay's memory. */
  #placed(command: RecordedCommand): RecordedCommand {
    if (command.kind === "host") return { ...command, storage: this.placeOf(command.storage) };
    if (command.kind === "copy") return { ...command, from: this.placeOf(command.from), to: this.placeOf(command.to) };
    const buffers = Object.entries(command.launch.buffers).map(([name, bound]) => {
      const { storage, offset, bytes } = "storage" in bound ? bound : { storage: bound, offset: 0, bytes: bound.bytes };
      return [name, { storage: this.placeOf(storage), offset, bytes }] as const;
    });
    return { ...command, launch: { ...command.launch, buffers: Object.fromEntries(buffers) } };
  }

  /** True while running the function again would record the same commands. */
  holds(): boolean {
    return this.#expected.every(({ read, value }) => read() === value);
  }

  /** After a replay: what it changed in place counts as changed. */
  touch(): void {
    for (const [storage, { before, after }] of this.#outside) storage.version += after - before;
  }

  /** Frees its memory. */
  dispose(): void {
    for (const storage of this.#outside.keys()) storage.release();
    this.#outside.clear();
    this.#expected = [];
    this.commands = [];
    this.#planned = [];
    this.#recorded = [];
    for (const storage of this.#memory) {
      this.#device.pool.memory.capturedBytes -= storage.bytes;
      storage.release();
    }
    this.#memory.length = 0;
  }
}
