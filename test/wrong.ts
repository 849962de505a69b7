/** What only plain JavaScript can give in the place of an argument, and the errors it must meet. */
import { expect } from "vitest";
import * as vp from "../src/index.js";

export const typedErrors = [
  ...[vp.ShapeError, vp.DTypeError, vp.GradError, vp.DisposedError],
  ...[vp.DeviceError, vp.CaptureError, vp.FormatError, vp.IndexError],
];

/** Values of every kind, by name. */
export const wrong: readonly [string, unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["a string", "text"],
  ["NaN", Number.NaN],
  ["a fraction", 1.5],
  ["a negative number", -7],
  ["a huge number", 1e300],
  ["a bigint", 2n],
  ["true", true],
  ["a symbol", Symbol("s")],
  ["a function", () => 1],
  ["an empty list", []],
  // biome-ignore lint/suspicious/noSparseArray: what is tested
  ["a sparse list", [1, , 3]],
  ["a ragged list", [[1, 2], [3]]],
  ["an object", { text: 1 }],
  ["a date", new Date(0)],
];

/** Fails unless an error is a typed one that begins with one of the names. */
export function expectTypedError(error: unknown, names: readonly string[], what: string): void {
  const text = `${names[0]} with ${what}: ${String(error)}`;
  expect(
    typedErrors.some((own) => error instanceof own),
    text,
  ).toBe(true);
  // What does not fit into memory names the op that asked for it, which may be one that this one is made of.
  if (error instanceof vp.DeviceError && String(error).includes("needs a buffer of")) return;
  const message = (error as Error).message.toLowerCase();
  expect(
    names.some((name) => message.includes(name.toLowerCase())),
    text,
  ).toBe(true);
}
