/** Records dispatches: cached pipelines, bind groups and uniform blocks, many dispatches to one submit. */
import type { ElementwiseLaunch } from "./elementwise.js";
import { DeviceError } from "./errors.js";
import { type DimsOf, encodeDims, type KernelSource } from "./kernel.js";
import { type CompiledKernel, Pipelines } from "./pipelines.js";
import type { Recorder } from "./recorder.js";
import type { Storage } from "./storage.js";

/** A whole storage, or a window of it: `offset` and `bytes` multiples of 256. */
export type Binding = Storage | { readonly storage: Storage; readonly offset: number; readonly bytes: number };

/** One dispatch of a kernel. */
export interface Launch<S extends KernelSource> {
  readonly dims: DimsOf<S>;
  readonly buffers: { readonly [K in keyof S["buffers"]]: Binding };
  /** Values of WGSL `override`s, by name. */
  readonly overrides?: { readonly [K in S["overrides"][number]]?: number };
  /** New right-hand sides of module `const`s, aliases and one-line functions. */
  readonly constants?: { readonly [K in S["constants"][number]]?: string | number };
  /** Workgroups along x, y, z; zero anywhere skips the dispatch. */
  readonly groups: readonly [number, number?, number?];
  /** What an elementwise dispatch computes, when it could be part of a larger kernel. */
  readonly formula?: ElementwiseLaunch;
  /** What a recording may let the kernel do to the elements of `output` itself. */
  readonly epilogue?: Epilogue;
}

/** An elementwise expression of `x`, and the uniforms with which the kernel applies it to all of its `output`. */
export interface Epilogue {
  readonly expression: string;
  readonly dims: Readonly<Record<string, number>>;
}

/** A dispatch as a recording keeps it: which storages it uses can still be changed. */
export interface DispatchCommand {
  readonly kind: "dispatch";
  readonly source: KernelSource;
  readonly launch: Launch<KernelSource>;
}

/** What a recording notes down, in order. */
export type RecordedCommand =
  | DispatchCommand
  | {
      readonly kind: "copy";
      readonly from: Storage;
      readonly fromOffset: number;
      readonly to: Storage;
      readonly toOffset: number;
      readonly bytes: number;
    }
  /** A write by the host to `storage`, or to what takes its place; an early one is done before all commands. */
  | {
      readonly kind: "host";
      readonly storage: Storage;
      readonly write: (storage: Storage) => void;
      readonly early: boolean;
    };

/** A recorded command with all that WebGPU needs to do it again. */
export type Command =
  | {
      readonly kind: "dispatch";
      readonly kernel: string;
      readonly pipeline: GPUComputePipeline;
      readonly group: GPUBindGroup;
      readonly groups: readonly [number, number, number];
    }
  | Extract<RecordedCommand, { kind: "copy" | "host" }>;

/** Uniform blocks and bind groups kept for reuse; beyond it they are dropped and made again. */
const cacheLimit = 16384;
/** Dispatches recorded before they are submitted, so that the GPU has work while the host records more. */
const dispatchesPerSubmit = 64;

/** Turns launches into WebGPU commands. One per device. */
export class Dispatcher {
  readonly #gpu: GPUDevice;
  readonly #recorder: Recorder;
  readonly #maxBindingBytes: () => number;
  readonly #pipelines: Pipelines;
  readonly #uniforms = new Map<string, { id: number; buffer: GPUBuffer }>();
  readonly #bindGroups = new Map<string, GPUBindGroup>();
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #recorded = 0;
  #uniformId = 0;
  readonly #counts = { dispatches: 0, submits: 0 };

  /**
   * @param recorder - Is told of every command while it records.
   * @param maxBindingBytes - The largest binding there may be, as kernels ask for it that work in windows.
   */
  constructor(gpu: GPUDevice, recorder: Recorder, maxBindingBytes: () => number) {
    this.#gpu = gpu;
    this.#pipelines = new Pipelines(gpu);
    this.#recorder = recorder;
    this.#maxBindingBytes = maxBindingBytes;
  }

  /** Dispatches and submits since the device was opened, and pipelines made. */
  get counts(): { dispatches: number; submits: number; pipelines: number } {
    return { ...this.#counts, pipelines: this.#pipelines.made };
  }

  /**
   * Records one dispatch.
   *
   * @throws {DeviceError} when a binding or the grid exceeds the adapter's limits.
   */
  launch<S extends KernelSource>(source: S, launch: Launch<S>): void {
    const [x, y = 1, z = 1] = launch.groups;
    if (x === 0 || y === 0 || z === 0) return;
    this.#checkGrid(source, [x, y, z]);
    const command: DispatchCommand = { kind: "dispatch", source, launch: launch as unknown as Launch<KernelSource> };
    if (!this.#recorder.rehearsing) this.#encode(this.bind(command));
    this.#recorder.current?.add(command, Object.values<Binding>(launch.buffers));
    if (this.#recorded >= dispatchesPerSubmit) this.flush();
  }

  /** Records a copy between storages; byte counts are multiples of 4. */
  copy(from: Storage, fromOffset: number, to: Storage, toOffset: number, bytes: number): void {
    const command = { kind: "copy", from, fromOffset, to, toOffset, bytes } as const;
    if (!this.#recorder.rehearsing) this.#encode(command);
    this.#recorder.current?.add(command, [from, to]);
  }

  /** Records a copy to a buffer that is no storage. */
  copyOut(from: Storage, fromOffset: number, to: GPUBuffer, bytes: number, toOffset = 0): void {
    this.#closePass();
    this.#openEncoder().copyBufferToBuffer(from.buffer, from.offset + fromOffset, to, toOffset, bytes);
  }

  /** A dispatch with its pipeline and bind group. */
  bind({ source, launch }: DispatchCommand): Command {
    const [x, y = 1, z = 1] = launch.groups;
    const kernel = this.#pipelines.of(source, launch);
    const group = this.#bindGroup(source, kernel, launch);
    return { kind: "dispatch", kernel: source.name, pipeline: kernel.pipeline, group, groups: [x, y, z] };
  }

  /** Makes the pipelines of dispatches that have none yet, side by side. @throws {DeviceError} naming the kernel that does not compile. */
  compile(commands: readonly DispatchCommand[]): Promise<void> {
    return this.#pipelines.compile(commands);
  }

  /** Records the commands of a recording again, all for one submit unless the host has to write in between. */
  replay(commands: readonly Command[]): void {
    for (const command of commands) this.#encode(command);
  }

  /** Submits what is recorded. */
  flush(): void {
    this.#closePass();
    if (!this.#encoder) return;
    this.#gpu.queue.submit([this.#encoder.finish()]);
    this.#encoder = null;
    this.#recorded = 0;
    this.#counts.submits++;
  }

  #encode(command: Command): void {
    if (command.kind === "dispatch") {
      const pass = this.#openPass();
      pass.setPipeline(command.pipeline);
      pass.setBindGroup(0, command.group);
      pass.dispatchWorkgroups(...command.groups);
      this.#counts.dispatches++;
      this.#recorded++;
    } else if (command.kind === "copy") {
      this.#closePass();
      const { from, fromOffset, to, toOffset, bytes } = command;
      this.#openEncoder().copyBufferToBuffer(
        from.buffer,
        from.offset + fromOffset,
        to.buffer,
        to.offset + toOffset,
        bytes,
      );
    } else if (!command.early) command.write(command.storage);
  }

  #openEncoder(): GPUCommandEncoder {
    this.#encoder ??= this.#gpu.createCommandEncoder();
    return this.#encoder;
  }

  #openPass(): GPUComputePassEncoder {
    this.#pass ??= this.#openEncoder().beginComputePass();
    return this.#pass;
  }

  #closePass(): void {
    this.#pass?.end();
    this.#pass = null;
  }

  #checkGrid(source: KernelSource, groups: readonly number[]): void {
    const limit = this.#gpu.limits.maxComputeWorkgroupsPerDimension;
    if (groups.every((count) => count <= limit)) return;
    throw new DeviceError(
      `${source.name}: needs ${groups.join(" x ")} workgroups, but this adapter allows ${limit} an axis`,
    );
  }

  #uniform(
    source: KernelSource,
    dims: Readonly<Record<string, number | readonly number[]>>,
  ): { id: number; buffer: GPUBuffer } {
    const words = encodeDims(source, dims);
    const key = words.join();
    const known = this.#uniforms.get(key);
    if (known) return known;
    if (this.#uniforms.size >= cacheLimit) this.#dropCaches();
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const buffer = this.#gpu.createBuffer({ label: `${source.name}/dims`, size: words.byteLength, usage });
    this.#gpu.queue.writeBuffer(buffer, 0, words.buffer);
    const uniform = { id: this.#uniformId++, buffer };
    this.#uniforms.set(key, uniform);
    return uniform;
  }

  #bindGroup<S extends KernelSource>(source: S, kernel: CompiledKernel, launch: Launch<S>): GPUBindGroup {
    const uniform = this.#uniform(source, launch.dims);
    const entries: GPUBindGroupEntry[] = [{ binding: 0, resource: { buffer: uniform.buffer } }];
    let key = `${source.name} ${uniform.id}`;
    for (const [name, { binding }] of Object.entries(source.buffers)) {
      const bound: Binding = launch.buffers[name as keyof S["buffers"]];
      const window = "storage" in bound ? bound : { storage: bound, offset: 0, bytes: bound.bytes };
      this.#checkBinding(source, name, window.bytes);
      key += ` ${window.storage.id}:${window.offset}:${window.bytes}`;
      const { buffer, offset } = window.storage;
      entries.push({ binding, resource: { buffer, offset: offset + window.offset, size: window.bytes } });
    }
    const known = this.#bindGroups.get(key);
    if (known) return known;
    if (this.#bindGroups.size >= cacheLimit) this.#bindGroups.clear();
    const group = this.#gpu.createBindGroup({ label: source.name, layout: kernel.layout, entries });
    this.#bindGroups.set(key, group);
    return group;
  }

  #checkBinding(source: KernelSource, name: string, bytes: number): void {
    const limit = this.#maxBindingBytes();
    if (bytes <= limit) return;
    throw new DeviceError(
      `${source.name}: ${name} needs a binding of ${bytes} bytes, but this adapter allows ${limit} (maxStorageBufferBindingSize)`,
    );
  }

  /** Submits what is recorded and frees what was made for it. */
  destroy(): void {
    this.#dropCaches();
  }

  #dropCaches(): void {
    // Not destroyed: recordings may use them, and they are small enough to wait for the garbage collector.
    this.#uniforms.clear();
    this.#bindGroups.clear();
  }
}
