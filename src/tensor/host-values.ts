/** Numbers of the host on their way into tensors: nested arrays, implied element types, and the check that whole numbers are whole. */
import { DTypeError, ShapeError } from "../kernels/errors.js";
import type { ElementType } from "../kernels/reduce.js";
import { packHalves } from "./half.js";
import { isList, show } from "./options.js";
import { maxRank } from "./shape.js";

/**
 * Element types. `bool` is stored as 0 or 1 in 32 bits; `f16` as IEEE half precision, two elements to 32 bits, on every adapter:
 * it is a way to store, arithmetic is in f32.
 */
export type DType = "f32" | "f16" | "i32" | "u32" | "bool";

/** The WGSL type that an element type is stored as. */
export const storedAs = (dtype: DType): ElementType =>
  dtype === "i32" || dtype === "u32" ? dtype : dtype === "bool" ? "u32" : "f32";

/** True for the types that have gradients. */
export const isFloat = (dtype: DType): boolean => dtype === "f32" || dtype === "f16";

/** The type in which ops compute. */
export const computedAs = <T extends DType>(dtype: T): Exclude<T, "f16"> | "f32" =>
  dtype === "f16" ? "f32" : (dtype as Exclude<T, "f16">);

/** Bytes that `count` elements take, in whole 32-bit words. */
export const bytesOf = (dtype: DType, count: number): number => 4 * (dtype === "f16" ? Math.ceil(count / 2) : count);

/** The host array that holds a tensor's elements. */
export type HostArray = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** What tensors are made from: a number or boolean, an array of them, a typed array, or arrays in arrays, all of one length. */
export type HostValues = number | boolean | ArrayLike<number> | readonly boolean[] | readonly HostValues[];

const ranges = { i32: [-(2 ** 31), 2 ** 31 - 1], u32: [0, 2 ** 32 - 1] } as const;

const types: readonly string[] = ["f32", "f16", "i32", "u32", "bool"] satisfies readonly DType[];

/** @throws {DTypeError} unless it is the name of an element type. */
export function checkType(op: string, dtype: unknown): void {
  if (!types.includes(dtype as string))
    throw new DTypeError(`${op}: dtype must be ${types.slice(0, -1).join(", ")} or bool, got ${show(dtype)}`);
}

/** @throws {DTypeError} on an element that is neither a number nor a boolean. */
function checkElements(op: string, list: ArrayLike<unknown>): void {
  const typed = ArrayBuffer.isView(list) && typeof list[0] !== "bigint";
  for (let i = 0; !typed && i < list.length; i++) {
    const value = list[i];
    if (typeof value === "number" || typeof value === "boolean") continue;
    if (isList(value))
      throw new ShapeError(`${op}: nested arrays must have the same shape, got a number beside an array`);
    throw new DTypeError(`${op}: values must be numbers or booleans, got ${show(value)} at index ${i}`);
  }
}

/** A boolean is 0 or 1. @throws {DTypeError} on anything else than a number. */
export function checkNumber(op: string, value: unknown): void {
  if (typeof value !== "number" && typeof value !== "boolean")
    throw new DTypeError(`${op}: value must be a number, got ${show(value)}`);
}

/** @throws {DTypeError} unless it is a list of numbers or booleans. */
export function checkList(op: string, values: unknown): void {
  if (!isArrayLike(values)) throw new DTypeError(`${op}: values must be a list of numbers, got ${show(values)}`);
  checkElements(op, values);
}

const isArrayLike = (values: unknown): values is ArrayLike<unknown> =>
  typeof values === "object" &&
  values !== null &&
  Number.isInteger((values as { length?: unknown }).length) &&
  !(values instanceof DataView);

/** The elements in row-major order, and the shape that the nesting gives. @throws {ShapeError} when it is ragged. */
export function flatten(
  op: string,
  values: HostValues,
  depth = 0,
): { list: ArrayLike<number | boolean>; shape: number[] } {
  if (typeof values === "number" || typeof values === "boolean") return { list: [values], shape: [] };
  if (!isArrayLike(values))
    throw new DTypeError(`${op}: values must be numbers, or arrays of them, got ${show(values)}`);
  if (!Array.isArray(values) || !isList(values[0])) {
    checkElements(op, values);
    return { list: values as ArrayLike<number | boolean>, shape: [values.length] };
  }
  if (depth >= maxRank) throw new ShapeError(`${op}: at most ${maxRank} axes are supported, got arrays nested deeper`);
  const parts = Array.from(values as readonly HostValues[], (part) => flatten(op, part, depth + 1));
  const inner = (parts[0] as { shape: number[] }).shape;
  const odd = parts.find(({ shape }) => shape.join() !== inner.join());
  if (odd)
    throw new ShapeError(
      `${op}: nested arrays must have the same shape, got [${inner.join(", ")}] and [${odd.shape.join(", ")}]`,
    );
  return { list: parts.flatMap(({ list }) => Array.from(list)), shape: [parts.length, ...inner] };
}

/** The element type of values that come without one: booleans are bool, Int32Array i32, Uint32Array u32, all else f32. */
export function impliedType(list: ArrayLike<number | boolean>): DType {
  if (list instanceof Int32Array) return "i32";
  if (list instanceof Uint32Array) return "u32";
  // Numbers among booleans are kept as they are.
  const mask = typeof list[0] === "boolean" && Array.from(list).every((value) => typeof value === "boolean");
  return mask ? "bool" : "f32";
}

/** The elements as bits for the GPU. @throws {DTypeError} when an integer would not be kept as it is. */
export function hostArray(
  op: string,
  list: ArrayLike<number | boolean>,
  dtype: DType,
): HostArray | Uint16Array<ArrayBuffer> {
  if (dtype === "f16") return packHalves(list);
  if (dtype === "bool") return Uint32Array.from(list, (value) => (value ? 1 : 0));
  if (dtype === "f32") return Float32Array.from(list as ArrayLike<number>);
  const [low, high] = ranges[dtype];
  const result = dtype === "i32" ? new Int32Array(list.length) : new Uint32Array(list.length);
  for (let i = 0; i < list.length; i++) {
    const value = Number(list[i]);
    if (!Number.isInteger(value) || value < low || value > high)
      throw new DTypeError(`${op}: ${dtype} holds whole numbers from ${low} to ${high}, got ${value} at index ${i}`);
    result[i] = value;
  }
  return result;
}
