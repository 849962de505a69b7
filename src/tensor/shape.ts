/** Shapes: their arithmetic, their rules and how they are printed in errors. */
import { ShapeError } from "../kernels/errors.js";
import { isList, show } from "./options.js";

/** Sizes of a tensor's axes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** The most axes a tensor may have. */
export const maxRank = 8;

/** Number of elements: the product of the sizes. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** True when both shapes are the same. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** `[2, 3]`, as errors print it. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Strides, in elements, of a contiguous row-major tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] as number) * (shape[i + 1] as number);
  return strides;
}

/** A named tensor's line in an error text: `  input  NHWC [8, 28, 28, 64]`. */
export function describeShapes(rows: readonly (readonly [name: string, shape: Shape, layout?: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, shape, layout]) => `\n  ${name.padEnd(width)} ${layout ? `${layout} ` : ""}${formatShape(shape)}`)
    .join("");
}

/** @throws {ShapeError} unless every size is a whole number >= 0 and there are at most 8 axes. */
export function checkShape(op: string, shape: Shape): void {
  if (!isList(shape)) throw new ShapeError(`${op}: shape must be a list of sizes, got ${show(shape)}`);
  if (shape.length > maxRank)
    throw new ShapeError(`${op}: at most ${maxRank} axes are supported, got ${shape.length}: ${formatShape(shape)}`);
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      throw new ShapeError(`${op}: sizes must be whole numbers >= 0, got ${show(shape)}`);
    }
  }
}

/** The shape as a 4-tuple, so that indexing needs no check. @throws {ShapeError} when the rank is not 4. */
export function rank4(op: string, name: string, shape: Shape, layout = "NHWC"): [number, number, number, number] {
  if (shape.length !== 4) {
    throw new ShapeError(
      `${op}: ${name} must have 4 axes (${layout}), got ${shape.length}${describeShapes([[name, shape]])}`,
    );
  }
  return shape as unknown as [number, number, number, number];
}

/** The shape as a triple. @throws {ShapeError} when the rank is not 3. */
export function rank3(op: string, name: string, shape: Shape, layout = "NLC"): [number, number, number] {
  if (shape.length !== 3) {
    throw new ShapeError(
      `${op}: ${name} must have 3 axes (${layout}), got ${shape.length}${describeShapes([[name, shape]])}`,
    );
  }
  return shape as unknown as [number, number, number];
}

/** The shape as a pair. @throws {ShapeError} when the rank is not 2. */
export function rank2(op: string, name: string, shape: Shape): [number, number] {
  if (shape.length !== 2) {
    throw new ShapeError(`${op}: ${name} must have 2 axes, got ${shape.length}${describeShapes([[name, shape]])}`);
  }
  return shape as unknown as [number, number];
}

/** The axis counted from the front; negative axes count from the end. @throws {ShapeError} when there is no such axis. */
export function resolveAxis(op: string, axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= rank) {
    throw new ShapeError(`${op}: axis must lie in [${-rank}, ${rank - 1}] for a tensor of ${rank} axes, got ${axis}`);
  }
  return resolved;
}

/** Sorted distinct axes; `undefined` means all of them. @throws {ShapeError} on an axis out of range or named twice. */
export function resolveAxes(op: string, axes: readonly number[] | number | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = typeof axes === "number" ? [axes] : axes;
  const resolved = list.map((axis) => resolveAxis(op, axis, rank)).sort((a, b) => a - b);
  if (new Set(resolved).size !== resolved.length)
    throw new ShapeError(`${op}: an axis is named twice in ${formatShape(list)}`);
  return resolved;
}

/**
 * The shape both operands broadcast to, by NumPy's rule: align at the last axis; sizes must agree or be 1.
 *
 * @throws {ShapeError} when they do not.
 */
export function broadcastShapes(op: string, named: readonly (readonly [name: string, shape: Shape])[]): number[] {
  const rank = Math.max(...named.map(([, shape]) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    let size = 1;
    for (const [, shape] of named) {
      const own = shape[i - (rank - shape.length)] ?? 1;
      if (own === 1 || own === size) continue;
      if (size !== 1) {
        throw new ShapeError(
          `${op}: shapes do not broadcast: sizes ${size} and ${own} meet at axis ${i - rank}${describeShapes(named)}`,
        );
      }
      size = own;
    }
    return size;
  });
}
