/** Options that are one whole number for both axes of a plane, or one for each. */
import { ShapeError } from "../kernels/errors.js";

/** One number for rows and columns, or `[rows, columns]`. */
export type Pair = number | readonly [number, number];

/** Both numbers. @throws {ShapeError} unless each is whole and at least `least`. */
export function pair(op: string, name: string, value: Pair, least: number): [number, number] {
  if (typeof value !== "number" && !(Array.isArray(value) && value.length === 2))
    throw new ShapeError(`${op}: ${name} must be a whole number, or two of them, got ${String(value)}`);
  const [rows, columns] = typeof value === "number" ? [value, value] : value;
  if (![rows, columns].every((own) => Number.isInteger(own) && own >= least)) {
    const got = typeof value === "number" ? `${value}` : `[${value.join(", ")}]`;
    throw new ShapeError(`${op}: ${name} must be whole and at least ${least}, got ${got}`);
  }
  return [rows, columns];
}
