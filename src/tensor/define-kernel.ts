/** WGSL kernels of users: the source says what it binds, and each call is checked against it. */
import type { Device } from "../kernels/device.js";
import { DeviceError, DTypeError, FormatError, ShapeError } from "../kernels/errors.js";
import { grid, maxGroups } from "../kernels/grid.js";
import { type ReflectedKernel, reflect } from "../kernels/reflect.js";
import { checkKind } from "./options.js";
import { describeShapes } from "./shape.js";
import { Tensor } from "./tensor.js";

/** What a call of a kernel gives besides the tensors. */
export interface KernelOptions {
  /** Invocations wanted along x, y and z; a plain number is all along x. Whole workgroups run, so the kernel checks its bounds. */
  readonly threads: number | readonly [x: number, y?: number, z?: number];
  /** Values of the uniform struct at binding 0, by field: a number, or an array for a vector. */
  readonly dims?: Readonly<Record<string, number | readonly number[]>>;
  /** Values of WGSL `override`s by name. Default: those of the source. */
  readonly overrides?: Readonly<Record<string, number>>;
}

/** A kernel made by `defineKernel`: records one dispatch. The tensors are named as the WGSL names its bindings. */
export type Kernel = (tensors: Readonly<Record<string, Tensor>>, options: KernelOptions) => void;

/** Fails unless the names given are exactly the names wanted. */
function checkNames(kernel: string, what: string, wanted: readonly string[], given: readonly string[]): void {
  const missing = wanted.filter((name) => !given.includes(name));
  const unknown = given.filter((name) => !wanted.includes(name));
  if (missing.length + unknown.length === 0) return;
  const list = (names: readonly string[]) => names.join(", ") || "none";
  throw new ShapeError(`${kernel}: ${what} must be ${list(wanted)}, got ${list(given)}`);
}

/** A binding that ends where its tensor does, so that `arrayLength` counts the tensor's elements. */
function bindTensor(source: ReflectedKernel, name: string, value: unknown) {
  const kernel = source.entryPoint;
  const layout = source.elements[name];
  if (!(value instanceof Tensor)) throw new DTypeError(`${kernel}: ${name} must be a tensor, got ${typeof value}`);
  if (!layout) throw new ShapeError(`${kernel}: has no binding ${name}`);
  const { scalar, width, size } = layout;
  // bool is stored as 0 or 1 in 32 bits.
  const stored: string = value.dtype === "bool" ? "u32" : value.dtype;
  if (stored !== scalar)
    throw new DTypeError(`${kernel}: ${name} is an array of ${scalar}, got a tensor of ${value.dtype}`);
  if (size === null ? value.size % width !== 0 : value.size !== size) {
    const rule = size === null ? `must hold a multiple of ${width} elements` : `must hold ${size} elements`;
    throw new ShapeError(`${kernel}: ${name} ${rule}, got ${value.size}${describeShapes([[name, value.shape]])}`);
  }
  const bytes = Math.max(1, value.size / width) * width * (scalar === "f16" ? 2 : 4);
  return { storage: value.storage, offset: 0, bytes: Math.ceil(bytes / 4) * 4 };
}

/** Fails when the device lacks a feature that the source enables. */
function checkFeatures({ entryPoint, features }: ReflectedKernel, { adapter }: Device): void {
  const missing = features.filter((name) => !adapter.features.includes(name));
  if (missing.length === 0) return;
  throw new DeviceError(
    `${entryPoint}: the WGSL needs the feature ${missing.join(", ")}, but ${adapter.name} has ${adapter.features.join(", ") || "none"}`,
  );
}

/** Fails when the tensors live on several devices, or a buffer that is written is bound twice. */
function checkMemory(source: ReflectedKernel, tensors: Readonly<Record<string, Tensor>>): Device {
  const names = Object.keys(source.buffers);
  const devices = new Set(names.map((name) => tensors[name]?.device));
  const [device] = devices;
  if (!device || devices.size > 1)
    throw new ShapeError(`${source.entryPoint}: the tensors live on ${devices.size} devices`);
  for (const name of names) {
    if (source.buffers[name]?.access === "read") continue;
    const twin = names.find((other) => other !== name && tensors[other]?.storage === tensors[name]?.storage);
    if (twin)
      throw new ShapeError(
        `${source.entryPoint}: ${name} is written and shares its memory with ${twin}; write to another tensor`,
      );
  }
  return device;
}

function checkDims(source: ReflectedKernel, dims: Readonly<Record<string, number | readonly number[]>>): void {
  const kernel = source.entryPoint;
  checkNames(kernel, "dims", Object.keys(source.dims), Object.keys(dims));
  for (const [name, { type, length }] of Object.entries(source.dims)) {
    const values = [dims[name] ?? []].flat();
    if (values.length !== length)
      throw new ShapeError(`${kernel}: dims.${name} must be ${length} numbers, got ${values.length}`);
    const [low, high] = type === "u32" ? [0, 2 ** 32 - 1] : [-(2 ** 31), 2 ** 31 - 1];
    const wrong = values.find((value) => type !== "f32" && !(Number.isInteger(value) && value >= low && value <= high));
    if (wrong !== undefined) throw new DTypeError(`${kernel}: dims.${name} must be ${type}, got ${wrong}`);
  }
}

/** Workgroups for the invocations asked for. */
function workgroups(source: ReflectedKernel, { threads, overrides = {} }: KernelOptions): [number, number, number] {
  const kernel = source.entryPoint;
  if (typeof threads !== "number") checkKind(kernel, "threads", threads, "numbers");
  const [x, y = 1, z = 1] = typeof threads === "number" ? [threads] : threads;
  if (![x, y, z].every((count) => Number.isInteger(count) && count >= 0))
    throw new ShapeError(`${kernel}: threads must be whole numbers, got ${[x, y, z].join(", ")}`);
  const [sizeX = 1, sizeY = 1, sizeZ = 1] = source.workgroupSize.map((size) => {
    const value = typeof size === "number" ? size : (overrides[size] ?? source.overrideDefaults[size]);
    if (!value) throw new ShapeError(`${kernel}: overrides.${size} has no default and must be given`);
    return value;
  });
  const groups: [number, number, number] = [Math.ceil(x / sizeX), Math.ceil(y / sizeY), Math.ceil(z / sizeZ)];
  if (groups[0] <= maxGroups) return groups;
  if (groups[1] * groups[2] === 1 && source.spreads) return grid(x, sizeX);
  throw new DeviceError(
    `${kernel}: ${x} threads need ${groups[0]} workgroups along x, but WebGPU allows ${maxGroups}; ` +
      "number the invocations with @builtin(num_workgroups), or give threads as [x, y]",
  );
}

/**
 * Makes a kernel of your own WGSL, to be called in the `forward` of a `defineOp`.
 *
 * The source has one `@compute` function. Tensors are `var<storage, read>` or `var<storage, read_write>` arrays of f32, i32,
 * u32 (also for bool) or f16, or of vectors of 2 or 4 of them, from `@group(0) @binding(1)` on; `arrayLength` is the tensor's
 * number of elements. Numbers that differ from call to call are a `var<uniform>` struct at `@binding(0)`, which may be left
 * out. Row-major order, as everywhere. Everything is checked at the call; what the WGSL compiler says against the source
 * rejects the next `await` as a `DeviceError`.
 *
 * Above 65,535 workgroups along x, the dispatch gets rows of them along y, and the kernel numbers its invocations by
 * `id.y * groups.x * SIZE + id.x` with `@builtin(num_workgroups) groups: vec3u`; a kernel without that is refused there.
 *
 * @param code - The WGSL.
 * @returns A function of the tensors, by the names of the bindings, and `KernelOptions`. It returns nothing: it writes.
 * A call throws a `DeviceError` where the source enables what the device's adapter has not: `enable f16` needs `shader-f16`.
 *
 * @throws {FormatError} when the source has no or several entry points, or binds what is not named above.
 *
 * @example
 * ```ts
 * const halve = defineKernel(`
 *   @group(0) @binding(1) var<storage, read> x: array<f32>;
 *   @group(0) @binding(2) var<storage, read_write> y: array<f32>;
 *   @compute @workgroup_size(64) fn halve(@builtin(global_invocation_id) id: vec3u) {
 *     if (id.x < arrayLength(&y)) { y[id.x] = 0.5 * x[id.x]; }
 *   }`);
 * halve({ x: ones(device, [3]), y: zeros(device, [3]) }, { threads: 3 });
 * ```
 */
export function defineKernel(code: string): Kernel {
  if (typeof code !== "string") throw new FormatError(`defineKernel: the WGSL must be a string, got ${typeof code}`);
  const source = reflect(code);
  const kernel = source.entryPoint;
  return (tensors, options) => {
    checkKind(kernel, "tensors", tensors, "object");
    checkKind(kernel, "options", options, "object");
    checkNames(kernel, "tensors", Object.keys(source.buffers), Object.keys(tensors));
    const buffers = Object.fromEntries(
      Object.entries(tensors).map(([name, value]) => [name, bindTensor(source, name, value)]),
    );
    const device = checkMemory(source, tensors);
    checkFeatures(source, device);
    const { dims = {}, overrides = {} } = options;
    checkKind(kernel, "dims", dims, "object");
    checkKind(kernel, "overrides", overrides, "object");
    checkDims(source, dims);
    for (const name of Object.keys(overrides))
      if (!source.overrides.includes(name)) throw new ShapeError(`${kernel}: the WGSL has no override "${name}"`);
    device.launch(source, { buffers, dims, overrides, groups: workgroups(source, options) });
    // Backward must be able to tell that a value it saved has changed.
    for (const [name, { access }] of Object.entries(source.buffers)) {
      const written = access === "read_write" ? tensors[name] : undefined;
      if (written) written.storage.version++;
    }
  };
}
