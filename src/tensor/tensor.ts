/** The tensor: a shape, an element type and a piece of GPU memory; and, while ops are recorded, how it was made. */
import type { Device } from "../kernels/device.js";
import { DeviceError, DisposedError, DTypeError, ShapeError } from "../kernels/errors.js";
import type { Storage } from "../kernels/storage.js";
import type { GraphNode } from "./graph-node.js";
import { unpackHalves } from "./half.js";
import {
  bytesOf,
  checkList,
  checkNumber,
  checkType,
  type DType,
  flatten,
  type HostArray,
  type HostValues,
  hostArray,
  impliedType,
  isFloat,
} from "./host-values.js";
import { readOptions, show } from "./options.js";
import { checkShape, formatShape, type Shape, sameShape, sizeOf } from "./shape.js";

export type { GraphNode } from "./graph-node.js";
export type { DType, HostArray, HostValues } from "./host-values.js";

const backstop = new FinalizationRegistry<{ storage: Storage; device: Device; state: { disposed: boolean } }>(
  ({ storage, device, state }) => {
    if (state.disposed) return;
    storage.release();
    device.disown();
  },
);

/** A contiguous row-major array on a device. Made by `tensor`, `zeros`, `device.rng(...)` and the ops; freed by its scope or `dispose`. */
export class Tensor {
  readonly device: Device;
  readonly shape: Shape;
  readonly dtype: DType;
  /** True when gradients with respect to this tensor are wanted, or to something it was made from. */
  requiresGrad = false;
  /** How it was made; `null` for leaves. */
  node: GraphNode | null = null;
  readonly #storage: Storage;
  readonly #state = { disposed: false };

  /** Wraps a storage, which it then owns one reference of. */
  constructor(device: Device, shape: Shape, dtype: DType, storage: Storage) {
    this.device = device;
    this.shape = shape;
    this.dtype = dtype;
    this.#storage = storage;
    device.adopt(this);
    backstop.register(this, { storage, device, state: this.#state }, this);
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Bytes that its elements take, in whole 32-bit words. */
  get byteLength(): number {
    return bytesOf(this.dtype, this.size);
  }

  /** True after `dispose`, or when the scope it was made in has ended. */
  get disposed(): boolean {
    return this.#state.disposed;
  }

  /** Its GPU memory. @throws {DisposedError} after it was freed. */
  get storage(): Storage {
    if (this.#state.disposed) {
      throw new DisposedError(
        `tensor ${formatShape(this.shape)} was used after it was freed; keep it with scope.keep(tensor) if it must outlive its scope`,
      );
    }
    return this.#storage;
  }

  /**
   * Its memory as a buffer of the device's `gpuDevice`, for the application's own commands: the elements begin at
   * `gpuBufferOffset`. All work recorded so far is submitted before. Keep the tensor alive as long as the buffer is used.
   *
   * @throws {DisposedError} after it was freed.
   */
  get gpuBuffer(): Storage["buffer"] {
    const { buffer } = this.storage;
    this.device.recorder.refuse(
      "gpuBuffer",
      "in a captured function it would be the buffer of its first call for ever",
    );
    this.device.flush();
    return buffer;
  }

  /** Where its elements begin in `gpuBuffer`, in bytes. */
  get gpuBufferOffset(): number {
    return this.storage.offset;
  }

  /** Reads all elements back. @returns f32 and f16 as Float32Array, i32 as Int32Array, u32 and bool as Uint32Array. */
  async data(): Promise<HostArray> {
    const bytes = await this.device.read(this.storage, this.byteLength);
    if (this.dtype === "f16") return unpackHalves(bytes, this.size);
    if (this.dtype === "f32") return new Float32Array(bytes);
    return this.dtype === "i32" ? new Int32Array(bytes) : new Uint32Array(bytes);
  }

  /** Reads the only element back. @throws {ShapeError} when there is not exactly one. */
  async item(): Promise<number> {
    if (this.size !== 1)
      throw new ShapeError(`item: the tensor must hold one element, got ${this.size} in ${formatShape(this.shape)}`);
    return (await this.data())[0] as number;
  }

  /** The same memory under another shape of the same size, without a gradient; ops use `reshape`. */
  view(shape: Shape): Tensor {
    checkShape("view", shape);
    if (sizeOf(shape) !== this.size)
      throw new ShapeError(`view: the sizes must agree, got ${formatShape(shape)} for ${formatShape(this.shape)}`);
    this.storage.retain();
    return new Tensor(this.device, shape, this.dtype, this.#storage);
  }

  /** The same memory as a leaf: gradients stop here. */
  detach(): Tensor {
    return this.view(this.shape);
  }

  /** Overwrites all elements in place, from host data of the same size. Values saved for a backward pass before this are then stale. */
  write(values: ArrayLike<number>): void {
    checkList("write", values);
    if (values.length !== this.size) {
      throw new ShapeError(`write: needs ${this.size} values for ${formatShape(this.shape)}, got ${values.length}`);
    }
    this.device.write(this.storage, hostArray("write", values, this.dtype));
    this.storage.version++;
  }

  /** Tells a recording that it depends on this tensor's being there, and on whether its gradient is wanted. */
  watch(): void {
    this.device.recorder.watch(this, "tensor", () => (this.disposed ? "freed" : this.requiresGrad));
  }

  /** Overwrites all elements in place with one number. */
  fill(value: number): void {
    checkNumber("fill", value);
    if (this.size > 0) this.device.fill(this.storage, repeated(value, this.size, this.dtype));
    this.storage.version++;
  }

  /** Frees it now. A second call does nothing. */
  dispose(): void {
    if (this.#state.disposed) return;
    this.#state.disposed = true;
    // What the gradients saved must not live on; that there was an op has to be remembered, or backward would stop here in silence.
    if (this.node) this.node = { ...this.node, inputs: [], versions: [], gradients: [], freed: true };
    backstop.unregister(this);
    this.device.disown();
    this.#storage.release();
  }
}

const repeated = (value: number, count: number, dtype: DType) =>
  hostArray("full", new Float64Array(count).fill(value), dtype);

/** A new tensor with undefined content, for ops to write into. */
export function empty(device: Device, shape: Shape, dtype: DType = "f32", label = "tensor"): Tensor {
  checkShape(label, shape);
  return new Tensor(device, [...shape], dtype, device.allocate(bytesOf(dtype, sizeOf(shape)), label));
}

/** Options of `tensor`. */
export interface TensorOptions {
  /** Default: `tensor` goes by the values; else `"f32"`. */
  readonly dtype?: DType;
  /** Whether `backward` computes its gradient. Default false. */
  readonly requiresGrad?: boolean;
}

/** What they may be. */
export const tensorKinds = { dtype: "any?", requiresGrad: "boolean?" } as const;

/**
 * A tensor from host values, row-major.
 *
 * @param values - As many numbers or booleans as the shape holds: one alone, an array, a typed array, or arrays in arrays.
 * @param shape - Default: that of the nesting; `[]` for a number, `[values.length]` for an array.
 * @param options - `dtype`: by default bool for booleans, i32 for an Int32Array, u32 for a Uint32Array, and f32 for everything
 *   else, bytes included; `requiresGrad` false.
 * @throws {ShapeError} when the number of values is not the size of the shape, or nested arrays are ragged.
 * @throws {DTypeError} when gradients are asked of integers, or integers of numbers that are not whole or out of range.
 */
export function tensor(device: Device, values: HostValues, shape?: Shape, options: TensorOptions = {}): Tensor {
  checkMaker("tensor", device, options);
  const { list, shape: given } = flatten("tensor", values);
  const target = shape ?? given;
  checkShape("tensor", target);
  if (list.length !== sizeOf(target)) {
    throw new ShapeError(`tensor: ${formatShape(target)} holds ${sizeOf(target)} elements, got ${list.length} values`);
  }
  const { dtype = impliedType(list), requiresGrad = false } = options;
  checkGradType("tensor", dtype, requiresGrad);
  const data = hostArray("tensor", list, dtype);
  const result = empty(device, target, dtype);
  if (list.length > 0) device.write(result.storage, data);
  result.requiresGrad = requiresGrad;
  return result;
}

/** @throws {DTypeError} unless it is a tensor. */
export function checkTensor(op: string, name: string, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor)) throw new DTypeError(`${op}: ${name} must be a tensor, got ${show(value)}`);
}

/** @throws {DeviceError} unless it is a device. */
export function checkDevice(op: string, device: unknown): void {
  if (typeof device === "object" && device !== null && "recorder" in device) return;
  throw new DeviceError(`${op}: device must be one that openDevice gives, got ${show(device)}`);
}

/** What everything that makes a tensor checks first. */
export function checkMaker(op: string, device: unknown, options: TensorOptions): void {
  checkDevice(op, device);
  const { dtype = "f32" } = readOptions<TensorOptions>(op, options, tensorKinds);
  checkType(op, dtype);
}

function checkGradType(op: string, dtype: DType, requiresGrad: boolean): void {
  if (requiresGrad && !isFloat(dtype))
    throw new DTypeError(`${op}: only f32 and f16 tensors have gradients, got ${dtype}`);
}

/** A tensor filled with one value. */
export function full(device: Device, shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  return fullAs("full", device, shape, value, options);
}

/** `full` under the name that the user called. */
export function fullAs(op: string, device: Device, shape: Shape, value: number, options: TensorOptions): Tensor {
  checkMaker(op, device, options);
  checkNumber(op, value);
  const { dtype = "f32", requiresGrad = false } = options;
  checkGradType(op, dtype, requiresGrad);
  const result = empty(device, shape, dtype, op);
  if (result.size > 0) device.fill(result.storage, repeated(value, result.size, dtype));
  result.requiresGrad = requiresGrad;
  return result;
}

/** A tensor of zeros. */
export function zeros(device: Device, shape: Shape, options: TensorOptions = {}): Tensor {
  return fullAs("zeros", device, shape, 0, options);
}

/** A tensor of ones. */
export function ones(device: Device, shape: Shape, options: TensorOptions = {}): Tensor {
  return fullAs("ones", device, shape, 1, options);
}

const constants = new WeakMap<Device, Map<string, Tensor>>();
const shared = new WeakSet<Tensor>();

/** True for what `constant` made. */
export const isConstant = (tensor: Tensor): boolean => shared.has(tensor);

/** A scalar that is made once per device, value and element type (default f32), and lives as long as the device. Never write to it. */
export function constant(device: Device, value: number, dtype: DType = "f32"): Tensor {
  checkDevice("constant", device);
  checkNumber("constant", value);
  checkType("constant", dtype);
  const known = constants.get(device) ?? new Map<string, Tensor>();
  constants.set(device, known);
  const key = `${dtype} ${Object.is(value, -0) ? "-0" : value}`;
  const before = known.get(key);
  const scalar =
    before && !before.disposed
      ? before
      : device.recorder.paused(() => device.unscoped(() => tensor(device, value, [], { dtype })));
  known.set(key, scalar);
  shared.add(scalar);
  return scalar;
}

/** @throws {ShapeError} unless both tensors have the same shape. */
export function checkSameShape(op: string, a: readonly [string, Tensor], b: readonly [string, Tensor]): void {
  if (sameShape(a[1].shape, b[1].shape)) return;
  throw new ShapeError(
    `${op}: ${a[0]} and ${b[0]} must have the same shape, got ${formatShape(a[1].shape)} and ${formatShape(b[1].shape)}`,
  );
}
