import { DTypeError, ShapeError } from "../../kernels/errors.js";
import { stridedCopy } from "../../kernels/strided-copy.js";
import { checkCall, checkInputs, defineOp, type Plan } from "../define-op.js";
import { readOptions, show } from "../options.js";
import { checkShape, describeShapes, resolveAxis, type Shape, stridesOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { reshape } from "./reshape.js";
import { slice } from "./slice.js";

/** Options of `concat` and `stack`. */
export interface ConcatOptions {
  /** The axis to join along (`concat`) or the new axis (`stack`); negative ones count from the end. Default 0. */
  readonly axis?: number;
}

interface ConcatPlan extends Plan {
  readonly axis: number;
  /** Where each input begins along the axis, and at the end the size of the whole. */
  readonly edges: readonly number[];
}

/** The part of `x` between two indices of one axis. */
function between(x: Tensor, axis: number, from: number, to: number): Tensor {
  const only = (value: number) => x.shape.map((_, i) => (i === axis ? value : null));
  return slice(x, { start: only(from), end: only(to) });
}

function planConcat(tensors: readonly Tensor[], options: ConcatOptions): ConcatPlan {
  const first = tensors[0] as Tensor;
  if (first.rank === 0) throw new ShapeError("concat: scalars have no axis to join along; use stack");
  const axis = resolveAxis("concat", options.axis ?? 0, first.rank);
  const lines = () => describeShapes(tensors.map(({ shape }, i) => [`tensors[${i}]`, shape]));
  for (const tensor of tensors) {
    if (tensor.dtype !== first.dtype)
      throw new DTypeError(
        `concat: all tensors must have one element type, got ${tensors.map(({ dtype }) => dtype).join(", ")}`,
      );
    const clash = tensor.shape.findIndex((size, i) => i !== axis && size !== first.shape[i]);
    if (tensor.rank !== first.rank)
      throw new ShapeError(`concat: ranks must agree, got ${first.rank} and ${tensor.rank}${lines()}`);
    if (clash >= 0) {
      throw new ShapeError(
        `concat: sizes off axis ${axis} must agree, got ${first.shape[clash]} and ${tensor.shape[clash]} on axis ${clash}${lines()}`,
      );
    }
  }
  const edges = [0];
  for (const { shape } of tensors) edges.push((edges.at(-1) as number) + (shape[axis] as number));
  const shape = first.shape.map((size, i) => (i === axis ? (edges.at(-1) as number) : size));
  return { shape, dtype: first.dtype, axis, edges };
}

function defineConcat(count: number) {
  const inputs = Array.from({ length: count }, (_, i) => `tensors[${i}]`);
  type Saved = Pick<ConcatPlan, "axis" | "edges">;
  return defineOp<readonly string[], ConcatOptions, ConcatPlan, Saved>({
    name: "concat",
    inputs,
    dtypes: Object.fromEntries(inputs.map((name) => [name, "any" as const])),
    plan: (tensors, options) => planConcat(tensors as readonly Tensor[], options),
    forward({ device, output, plan: { shape, axis, edges } }, tensors) {
      const strides = stridesOf(shape);
      (tensors as readonly Tensor[]).forEach((tensor, i) => {
        stridedCopy(
          device,
          tensor.shape,
          { storage: tensor.storage, offset: 0, strides: stridesOf(tensor.shape) },
          { storage: output.storage, offset: (edges[i] as number) * (strides[axis] as number), strides },
        );
      });
      return { axis, edges };
    },
    vjp: Object.fromEntries(
      inputs.map((name, i) => [
        name,
        ({ axis, edges }: Saved, gradOutput: Tensor) =>
          between(gradOutput, axis, edges[i] as number, edges[i + 1] as number),
      ]),
    ),
  }) as unknown as (...args: [...Tensor[], ConcatOptions]) => Tensor;
}

/** The first of them, once they are tensors. @throws {ShapeError} when they are no list, or none. */
function checkTensors(op: string, tensors: readonly Tensor[]): Tensor {
  if (!Array.isArray(tensors)) throw new ShapeError(`${op}: tensors must be in a list, got ${show(tensors)}`);
  if (tensors.length === 0) throw new ShapeError(`${op}: needs at least one tensor, got 0`);
  checkInputs(
    op,
    Array.from(tensors, (_, i) => `tensors[${i}]`),
    tensors,
    "any",
  );
  return tensors[0] as Tensor;
}

/** `concat` by number of tensors: an op has a fixed list of inputs. */
const concats = new Map<number, ReturnType<typeof defineConcat>>();

/**
 * Joins tensors along an axis, in order.
 *
 * @param tensors - At least one; of one element type, and of the same sizes off the axis.
 * @param options - `axis` (default 0).
 * @returns Their shape, with the sizes along the axis added up.
 * @throws {ShapeError} when there is no tensor, or the shapes do not agree.
 * @throws {DTypeError} when the element types differ.
 */
export function concat(tensors: readonly Tensor[], options: ConcatOptions = {}): Tensor {
  checkTensors("concat", tensors);
  readOptions("concat", options, { axis: "number?" });
  const op = concats.get(tensors.length) ?? defineConcat(tensors.length);
  concats.set(tensors.length, op);
  return op(...tensors, options);
}

/**
 * Joins tensors of one shape along a new axis.
 *
 * @param tensors - At least one, all of the same shape.
 * @param options - `axis`: place of the new axis in the result (default 0).
 * @returns The shape with `tensors.length` inserted at `axis`.
 * @throws {ShapeError} when there is no tensor, or the shapes differ.
 */
export function stack(tensors: readonly Tensor[], options: ConcatOptions = {}): Tensor {
  const first = checkTensors("stack", tensors);
  readOptions("stack", options, { axis: "number?" });
  const axis = resolveAxis("stack", options.axis ?? 0, first.rank + 1);
  const widened: Shape = [...first.shape.slice(0, axis), 1, ...first.shape.slice(axis)];
  checkShape("stack", widened);
  const odd = tensors.find(({ shape }) => shape.join() !== first.shape.join());
  if (odd) {
    throw new ShapeError(
      `stack: all tensors must have the same shape, got${describeShapes(tensors.map(({ shape }, i) => [`tensors[${i}]`, shape]))}`,
    );
  }
  return concat(
    tensors.map((tensor) => reshape(tensor, { shape: widened })),
    { axis },
  );
}

/** Options of `split`: either `sizes` or `parts`. */
export interface SplitOptions {
  /** Size of each part along the axis; together they make the whole. */
  readonly sizes?: readonly number[];
  /** Number of parts of equal size. */
  readonly parts?: number;
  /** Default 0; negative ones count from the end. */
  readonly axis?: number;
}

/**
 * Cuts a tensor into parts along an axis: the inverse of `concat`.
 *
 * @param x - Any shape and element type.
 * @returns One tensor a part.
 * @throws {ShapeError} when the sizes do not add up to the axis, or the parts do not divide it.
 */
export function split(x: Tensor, options: SplitOptions): Tensor[] {
  const kinds = { sizes: "numbers?", parts: "number?", axis: "number?" } as const;
  const { sizes, parts, axis: given = 0 } = checkCall("split", { x }, options, kinds);
  const axis = resolveAxis("split", given, x.rank);
  const size = x.shape[axis] as number;
  if ((sizes === undefined) === (parts === undefined))
    throw new ShapeError(`split: needs either sizes or parts, got ${sizes ? "both" : "neither"}`);
  if (parts !== undefined && (!Number.isInteger(parts) || parts < 1 || size % parts !== 0)) {
    throw new ShapeError(
      `split: parts must divide axis ${axis}, got ${parts} for ${size}${describeShapes([["x", x.shape]])}`,
    );
  }
  const list = sizes ?? new Array<number>(parts ?? 1).fill(size / (parts ?? 1));
  const total = list.reduce((a, b) => a + b, 0);
  if (total !== size || list.some((own) => !Number.isInteger(own) || own < 0)) {
    throw new ShapeError(
      `split: sizes must be whole numbers that add up to axis ${axis}, got [${list.join(", ")}] for ${size}${describeShapes([["x", x.shape]])}`,
    );
  }
  let from = 0;
  return list.map((own) => {
    const part = between(x, axis, from, from + own);
    from += own;
    return part;
  });
}

/** Options of `unstack`. */
export interface UnstackOptions {
  /** The axis to take apart; negative ones count from the end. Default 0. */
  readonly axis?: number;
}

/**
 * The slices along an axis, without it: the inverse of `stack`.
 *
 * @param x - Any shape with at least one axis, any element type.
 * @param options - `axis` (default 0).
 * @returns One tensor for each index of the axis.
 * @throws {ShapeError} when the axis does not exist.
 */
export function unstack(x: Tensor, options: UnstackOptions = {}): Tensor[] {
  checkCall("unstack", { x }, options, { axis: "number?" });
  const axis = resolveAxis("unstack", options.axis ?? 0, x.rank);
  const shape = x.shape.filter((_, i) => i !== axis);
  return Array.from({ length: x.shape[axis] as number }, (_, i) => reshape(between(x, axis, i, i + 1), { shape }));
}
