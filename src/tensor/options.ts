/** Checks of options that the compiler makes for TypeScript, and that plain JavaScript needs when it runs. */
import { ShapeError } from "../kernels/errors.js";

/** @throws {ShapeError} unless `value` is one of `choices`. */
export function checkChoice(op: string, name: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  const got = typeof value === "string" ? `"${value}"` : String(value);
  throw new ShapeError(`${op}: ${name} must be ${choices.map((choice) => `"${choice}"`).join(" or ")}, got ${got}`);
}

/** @throws {ShapeError} unless `value`, which is added to a variance, is a finite number >= 0. */
export function checkEps(op: string, value: number): void {
  if (value >= 0 && value < Number.POSITIVE_INFINITY) return;
  throw new ShapeError(`${op}: eps must be a finite number >= 0, got ${value}`);
}
