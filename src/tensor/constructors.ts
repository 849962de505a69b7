/** Tensors by rule rather than from values. */
import type { Device } from "../kernels/device.js";
import { DeviceError, ShapeError } from "../kernels/errors.js";
import { checkCall } from "./define-op.js";
import { readOptions, show } from "./options.js";
import { checkDevice, checkMaker, fullAs, type Tensor, type TensorOptions, tensor, tensorKinds } from "./tensor.js";

/** @throws {DeviceError} when that many elements are more than any buffer holds: before they are made on the host. */
function checkFits(op: string, device: Device, count: number): void {
  const allowed = device.adapter.maxBufferBytes;
  if (4 * count > allowed)
    throw new DeviceError(`${op}: needs a buffer of ${4 * count} bytes, but this adapter allows ${allowed}`);
}

/** Options of `arange`. */
export interface ArangeOptions extends TensorOptions {
  /** First number. Default 0. */
  readonly start?: number;
  /** Where to stop; it is not part of the result. */
  readonly end: number;
  /** Distance between numbers; may be negative. Default 1. */
  readonly step?: number;
}

/**
 * `start, start + step, ...` before `end`, as a tensor of one axis.
 *
 * @returns `[max(0, ceil((end - start) / step))]`, f32 unless `dtype` says otherwise.
 * @throws {ShapeError} when step is 0, or a number is not finite.
 */
export function arange(device: Device, given: ArangeOptions): Tensor {
  checkDevice("arange", device);
  const kinds = { start: "number?", end: "number", step: "number?", ...tensorKinds } as const;
  const { start = 0, end, step = 1, ...options } = readOptions("arange", given, kinds);
  const count = Math.max(0, Math.ceil((end - start) / step));
  if (step === 0 || !Number.isFinite(start + end + step)) {
    throw new ShapeError(
      `arange: step must not be 0 and all must be finite, got start ${start}, end ${end}, step ${step}`,
    );
  }
  checkMaker("arange", device, options);
  checkFits("arange", device, count);
  return tensor(
    device,
    Float64Array.from({ length: count }, (_, i) => start + i * step),
    [count],
    options,
  );
}

/** Options of `linspace`. */
export interface LinspaceOptions extends TensorOptions {
  /** First number. */
  readonly start: number;
  /** Last number. */
  readonly end: number;
  /** How many numbers. */
  readonly count: number;
}

/**
 * `count` numbers from `start` to `end`, both included, at equal distances.
 *
 * @throws {ShapeError} when count is not a whole number >= 0.
 */
export function linspace(device: Device, given: LinspaceOptions): Tensor {
  checkDevice("linspace", device);
  const kinds = { start: "number", end: "number", count: "number", ...tensorKinds } as const;
  const { start, end, count, ...options } = readOptions("linspace", given, kinds);
  if (!Number.isInteger(count) || count < 0)
    throw new ShapeError(`linspace: count must be a whole number >= 0, got ${count}`);
  checkMaker("linspace", device, options);
  checkFits("linspace", device, count);
  const at = (i: number) => (count === 1 ? start : (start * (count - 1 - i) + end * i) / (count - 1));
  return tensor(
    device,
    Float64Array.from({ length: count }, (_, i) => at(i)),
    [count],
    options,
  );
}

/** Options of `eye`. */
export interface EyeOptions extends TensorOptions {
  /** Default: as many as rows. */
  readonly columns?: number;
}

/** Ones on the diagonal, zeros elsewhere: `[rows, columns]`. @throws {ShapeError} when a size is not a whole number >= 0. */
export function eye(device: Device, rows: number, given: EyeOptions = {}): Tensor {
  checkDevice("eye", device);
  const { columns = rows, ...options } = readOptions("eye", given, { columns: "number?", ...tensorKinds });
  if (![rows, columns].every((size) => Number.isInteger(size) && size >= 0))
    throw new ShapeError(`eye: sizes must be whole numbers >= 0, got ${show([rows, columns])}`);
  checkMaker("eye", device, options);
  checkFits("eye", device, rows * columns);
  const values = new Float64Array(rows * columns);
  for (let i = 0; i < Math.min(rows, columns); i++) values[i * columns + i] = 1;
  return tensor(device, values, [rows, columns], options);
}

function likeAs(op: string, x: Tensor, value: number, options: TensorOptions): Tensor {
  checkCall(op, { x }, options, tensorKinds);
  return fullAs(op, x.device, x.shape, value, { dtype: x.dtype, ...options });
}

/** A tensor of the shape and, unless the options say otherwise, the element type of `x`, filled with one value. */
export function fullLike(x: Tensor, value: number, options: TensorOptions = {}): Tensor {
  return likeAs("fullLike", x, value, options);
}

/** Zeros of the shape and element type of `x`. */
export function zerosLike(x: Tensor, options: TensorOptions = {}): Tensor {
  return likeAs("zerosLike", x, 0, options);
}

/** Ones of the shape and element type of `x`. */
export function onesLike(x: Tensor, options: TensorOptions = {}): Tensor {
  return likeAs("onesLike", x, 1, options);
}
