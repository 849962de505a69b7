/// <reference lib="esnext.disposable" preserve="true" />
/** The device: where tensors live and kernels run. The only thing a user opens and closes. */
import { type DispatchCommand, Dispatcher, type Launch } from "./dispatcher.js";
import { DisposedError } from "./errors.js";
import { Faults, faultBytes } from "./faults.js";
import { Health } from "./health.js";
import type { KernelSource } from "./kernel.js";
import { Recorder } from "./recorder.js";
import type { Recording } from "./recording.js";
import { type Disposable, Scope } from "./scope.js";
import { BufferPool, type MemoryReport, type Storage } from "./storage.js";
import { Waiter } from "./waiter.js";

/** The adapter behind a device, in words and numbers. */
export interface AdapterDescription {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** True for a software driver (lavapipe, SwiftShader): right, but slow. */
  readonly software: boolean;
  /** True when the driver is the SwiftShader that comes with the package. */
  readonly bundledDriver: boolean;
  /** Lanes of a subgroup where the adapter has subgroups of one fixed size, else `null`. */
  readonly subgroupSize: number | null;
  readonly features: readonly string[];
  /** Largest single binding, in bytes. */
  readonly maxBindingBytes: number;
  /** Largest buffer, in bytes. */
  readonly maxBufferBytes: number;
  /** Storage buffers that one kernel may bind. */
  readonly maxStorageBuffers: number;
}

/** Options of `openDevice`. */
export interface OpenDeviceOptions {
  /**
   * `"swiftshader"` takes the bundled software driver even where there is a better one, for every device that the process opens from
   * then on (Vulkan's VK_DRIVER_FILES is set). Default: the best adapter.
   */
  readonly adapter?: "swiftshader";
  /**
   * A device that the application made: its features and limits are used as they are, its buffers can be shared
   * (`tensorFromBuffer`, `tensor.gpuBuffer`), and `destroy` leaves it alive. Which kernels run depends on the features (ask for
   * `subgroups` where the adapter has them), and so do the last bits of results.
   */
  readonly gpuDevice?: GPUDevice;
  /** `false`: kernels run in their built-in tiles even where `voxpix doctor --tune` has kept better ones. Results are the same. */
  readonly tuning?: false;
}

/** A copy of the first bytes of one storage to those of another. */
export interface StorageCopy {
  readonly from: Storage;
  readonly to: Storage;
  readonly bytes: number;
}

const frozen = "in a captured function would be that of its first call for ever";

/** A GPU (or software) device: memory, kernels, scopes. Open one with `openDevice()`. */
export class Device {
  readonly adapter: AdapterDescription;
  /** What kernels found wrong, for the next wait to report. */
  readonly faults: Faults;
  /** True while ops are recorded for `backward`; see `noGrad`. */
  recording = true;
  readonly #gpu: GPUDevice;
  /** Keeps Dawn's instance alive: the process aborts if it is collected before the device. */
  readonly #instance: unknown;
  #destroyed = false;
  readonly #dispatcher: Dispatcher;
  readonly #pool: BufferPool;
  /** For `capture`: the recording being made, and what may not be done meanwhile. */
  readonly recorder: Recorder;
  readonly #scopes: Scope[] = [];
  readonly #health: Health;
  readonly #waiter: Waiter;

  /** @param instance - What must stay referenced while the device lives; the string `"shared"` for a device that is not ours to destroy. */
  constructor(gpu: GPUDevice, adapter: AdapterDescription, instance: unknown) {
    this.#gpu = gpu;
    this.adapter = adapter;
    this.#instance = instance;
    this.#health = new Health(gpu);
    this.#waiter = new Waiter(adapter.software);
    this.#pool = new BufferPool(gpu, this.#health, () => this.#dispatcher.flush());
    this.faults = new Faults(() => this.#pool.allocate(faultBytes, "faults", true));
    this.recorder = new Recorder({
      pool: this.#pool,
      maxBuffers: adapter.maxStorageBuffers,
      bind: (command) => this.#dispatcher.bind(command),
      compile: (commands) => this.#compile(commands),
    });
    this.#dispatcher = new Dispatcher(gpu, this.recorder, () => this.adapter.maxBindingBytes);
  }

  /** Resolves with the reason once the device is lost or destroyed; never rejects. Training goes on from a `snapshot` on another. */
  get lost(): Promise<string> {
    return this.#health.lost;
  }

  /** GPU memory of at least `bytes` bytes, its content undefined. @throws {DeviceError} over the adapter's limit. */
  allocate(bytes: number, label: string): Storage {
    this.#checkAlive(label);
    // What a recorded function makes in scopes is its own; what it makes outside of them lives on without it.
    const storage = this.#pool.allocate(bytes, label);
    if (this.#scopes.length > 0) this.recorder.current?.own(storage);
    return storage;
  }

  /** Records one dispatch of a kernel. */
  launch<S extends KernelSource>(source: S, launch: Launch<S>): void {
    this.#checkAlive(source.name);
    this.#dispatcher.launch(source, launch);
  }

  /** Copies host data into a storage; its byte length is a multiple of 4. */
  write(storage: Storage, data: ArrayBufferView<ArrayBuffer>, byteOffset = 0): void {
    this.#checkAlive("write");
    this.recorder.refuse("write", `host data ${frozen}; make it an argument, or write before the call`);
    // Commands recorded before must still see the old content.
    this.#dispatcher.flush();
    this.#gpu.queue.writeBuffer(
      storage.buffer,
      storage.offset + byteOffset,
      data.buffer,
      data.byteOffset,
      data.byteLength,
    );
  }

  /** Copies host data that is the same whenever this code runs: in a recording it is kept and copied again. */
  fill(storage: Storage, data: ArrayBufferView<ArrayBuffer>): void {
    if (this.#scopes.length === 0)
      this.recorder.refuse("write", `what lives outside scopes ${frozen}; make it before the call`);
    this.recorder.hostWrite(storage, (target) => this.write(target, data));
  }

  /** Does what was recorded again, with `copies` of whole storages before and after it. */
  replay(
    recording: Recording,
    copies: { readonly before: readonly StorageCopy[]; readonly after: readonly StorageCopy[] },
  ): void {
    this.#checkAlive("capture");
    for (const command of recording.commands)
      if (command.kind === "host" && command.early) command.write(command.storage);
    for (const { from, to, bytes } of copies.before) this.copy(from, 0, to, 0, bytes);
    this.#dispatcher.replay(recording.commands);
    for (const { from, to, bytes } of copies.after) this.copy(from, 0, to, 0, bytes);
    this.#dispatcher.flush();
    recording.touch();
  }

  /** Records a copy between two storages; offsets and sizes in bytes, multiples of 4. */
  copy(from: Storage, fromOffset: number, to: Storage, toOffset: number, bytes: number): void {
    if (bytes > 0) this.#dispatcher.copy(from, fromOffset, to, toOffset, bytes);
  }

  /** Reads bytes back: waits for all work recorded so far. @throws {DeviceError} when the GPU reported an error or was lost. @throws {IndexError} when an index lay outside its axis. */
  async read(storage: Storage, bytes: number, byteOffset = 0): Promise<ArrayBuffer> {
    this.#checkAlive("read");
    this.recorder.refuse(
      "read",
      "a captured function cannot wait for the GPU; return the tensor, and read it after the call",
    );
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    const faults = this.faults.storage;
    const staging = this.#gpu.createBuffer({
      label: "read",
      size: size + (faults ? faultBytes : 0),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    this.#dispatcher.copyOut(storage, byteOffset, staging, size);
    if (faults) this.#dispatcher.copyOut(faults, 0, staging, faultBytes, size);
    this.#dispatcher.flush();
    try {
      await this.#waiter.wait(staging.mapAsync(GPUMapMode.READ));
    } catch (error) {
      await this.#health.explain("read", error);
    }
    const mapped = staging.getMappedRange();
    const data = mapped.slice(0, bytes);
    const fault = faults ? this.faults.error(new Uint32Array(mapped.slice(size))) : null;
    staging.destroy();
    await this.#health.check("read");
    if (faults && fault) {
      this.write(faults, new Uint32Array(faultBytes / 4));
      throw fault;
    }
    return data;
  }

  /** Waits until all recorded work is done. @throws {DeviceError} when the GPU reported an error or was lost. @throws {IndexError} when an index lay outside its axis. */
  async finish(): Promise<void> {
    this.#checkAlive("finish");
    this.recorder.refuse("finish", "a captured function cannot wait for the GPU; wait after the call");
    this.#dispatcher.flush();
    await this.#waiter.wait(this.#gpu.queue.onSubmittedWorkDone());
    await this.#health.check("finish");
    // Reading anything reports what kernels noted.
    if (this.faults.storage) await this.read(this.faults.storage, 4);
  }

  /** Counts of tensors, buffers and bytes. A leak shows as a number that grows from step to step. */
  memory(): MemoryReport {
    return { ...this.#pool.memory };
  }

  async #compile(commands: readonly DispatchCommand[]): Promise<void> {
    this.#checkAlive("capture");
    await this.#waiter.wait(this.#dispatcher.compile(commands));
    this.#checkAlive("capture");
  }

  /** Dispatches and submits since the device was opened, and pipelines made. */
  commandCounts(): { dispatches: number; submits: number; pipelines: number } {
    return { ...this.#dispatcher.counts };
  }

  /** Destroys the buffers that wait for reuse. */
  trim(): void {
    this.#pool.trim();
  }

  /** Starts a scope: `using scope = device.scope();` frees at the end of the block what was created in it. */
  scope(): Scope {
    const scope = new Scope(this);
    this.#scopes.push(scope);
    return scope;
  }

  /** The scope that encloses `scope`. */
  scopeAround(scope: Scope): Scope | undefined {
    return this.#scopes[this.#scopes.lastIndexOf(scope) - 1];
  }

  /** Ends a scope (called by `using`). @returns Whether it was the innermost one, or had ended before. */
  leaveScope(scope: Scope): boolean {
    const index = this.#scopes.lastIndexOf(scope);
    if (index >= 0) this.#scopes.splice(index, 1);
    return index < 0 || index === this.#scopes.length;
  }

  /** Runs `body` outside all scopes: what it creates lives until it is disposed. For parameters, optimizer state and caches. */
  unscoped<T>(body: () => T): T {
    const scopes = this.#scopes.splice(0);
    try {
      return body();
    } finally {
      this.#scopes.unshift(...scopes);
    }
  }

  /** Counts a new tensor and hands it to the innermost scope. */
  adopt(tensor: Disposable): void {
    this.#pool.memory.tensors++;
    this.#scopes.at(-1)?.own(tensor);
  }

  /** Counts a freed tensor. */
  disown(): void {
    this.#pool.memory.tensors--;
  }

  /** Runs `body` without recording it for `backward`. */
  noGrad<T>(body: () => T): T {
    const before = this.recording;
    this.recording = false;
    try {
      return body();
    } finally {
      this.recording = before;
    }
  }

  /** Frees everything on the GPU; the process can then exit. A device that the application made stays alive. */
  destroy(): void {
    if (this.#instance === "shared") {
      this.#dispatcher.destroy();
      this.#pool.destroy();
    } else this.#gpu.destroy();
    this.#health.markLost("the device was destroyed");
    this.#destroyed = true;
  }

  /** Submits what is recorded, so that commands of the application's own come after it. */
  flush(): void {
    this.#checkAlive("flush");
    this.#dispatcher.flush();
  }

  /** A part of an application's buffer as a storage, which never destroys it. See `tensorFromBuffer`. */
  wrap(buffer: GPUBuffer, offset: number, bytes: number): Storage {
    this.#checkAlive("tensorFromBuffer");
    return this.#pool.wrap(buffer, offset, bytes);
  }

  #checkAlive(what: string): void {
    if (this.#destroyed) throw new DisposedError(`${what}: the device was destroyed`);
    const lost = this.#health.lostError(what);
    if (lost) throw lost;
  }
}
