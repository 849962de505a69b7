/** Compute pipelines: one for each kernel with its constants, made at first use or many side by side. */
import type { DispatchCommand, Launch } from "./dispatcher.js";
import { DeviceError } from "./errors.js";
import { maths } from "./generated.js";
import type { KernelSource } from "./kernel.js";
import { link, specialize, unroll } from "./specialize.js";

/** A kernel ready to run. */
export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** What tells one pipeline from another. */
const keyOf = ({ name }: KernelSource, { constants = {}, overrides = {} }: Launch<KernelSource>) =>
  `${name} ${JSON.stringify(constants)} ${JSON.stringify(overrides)}`;

/** The pipelines of one device. */
export class Pipelines {
  readonly #gpu: GPUDevice;
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #compiled = new Map<string, CompiledKernel>();
  /** Those that are being made, by key. */
  readonly #compiling = new Map<string, Promise<void>>();

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /** How many have been made. */
  get made(): number {
    return this.#compiled.size;
  }

  /** The pipeline of a dispatch, made now if there is none yet. */
  of(source: KernelSource, launch: Launch<KernelSource>): CompiledKernel {
    const key = keyOf(source, launch);
    const known = this.#compiled.get(key);
    if (known) return known;
    return this.#keep(key, source, this.#gpu.createComputePipeline(this.#describe(source, launch)));
  }

  /** Makes the pipelines of dispatches that have none yet, side by side. @throws {DeviceError} naming the kernel that does not compile. */
  async compile(commands: readonly DispatchCommand[]): Promise<void> {
    const made = new Map<string, Promise<void>>();
    for (const { source, launch } of commands) {
      const key = keyOf(source, launch);
      if (this.#compiled.has(key)) continue;
      const making = this.#compiling.get(key) ?? this.#compile(key, source, launch);
      this.#compiling.set(key, making);
      made.set(key, making);
    }
    await Promise.all(made.values());
  }

  #layout(source: KernelSource): GPUBindGroupLayout {
    const known = this.#layouts.get(source.name);
    if (known) return known;
    const entries: GPUBindGroupLayoutEntry[] = [
      { binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "uniform" } },
    ];
    for (const { binding, access } of Object.values(source.buffers)) {
      const type = access === "read" ? "read-only-storage" : "storage";
      entries.push({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } });
    }
    const layout = this.#gpu.createBindGroupLayout({ label: source.name, entries });
    this.#layouts.set(source.name, layout);
    return layout;
  }

  async #compile(key: string, source: KernelSource, launch: Launch<KernelSource>): Promise<void> {
    // What the compiler says against the text belongs to this kernel, and is told here rather than by the next read.
    this.#gpu.pushErrorScope("validation");
    const making = this.#gpu.createComputePipelineAsync(this.#describe(source, launch));
    const invalid = this.#gpu.popErrorScope();
    try {
      const [pipeline] = await Promise.all([making, invalid]);
      if (!this.#compiled.has(key)) this.#keep(key, source, pipeline);
    } catch (error) {
      const { message } = (await invalid.catch(() => null)) ?? (error as Error);
      // A kernel of the user's has a number behind its name.
      throw new DeviceError(`${source.name.replace(/#\d+$/, "")}: the GPU reported: ${message}`);
    } finally {
      this.#compiling.delete(key);
    }
  }

  #describe(source: KernelSource, { constants = {}, overrides = {} }: Launch<KernelSource>) {
    const code = unroll(link(specialize(source.code, constants as Record<string, string | number>), maths));
    return {
      label: source.name,
      layout: this.#gpu.createPipelineLayout({ bindGroupLayouts: [this.#layout(source)] }),
      compute: {
        module: this.#gpu.createShaderModule({ label: `${source.name}.wgsl`, code }),
        entryPoint: source.entryPoint,
        constants: overrides as Record<string, number>,
      },
    };
  }

  #keep(key: string, source: KernelSource, pipeline: GPUComputePipeline): CompiledKernel {
    const kernel = { pipeline, layout: this.#layout(source) };
    this.#compiled.set(key, kernel);
    return kernel;
  }
}
