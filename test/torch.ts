/** Reading the fixtures that PyTorch made, and judging by them. */
import { appendFileSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Tensor } from "../src/tensor/tensor.js";
import { expectClose } from "./device.js";

/** Base64 of little-endian floats: f4 for inputs, f8 for results. */
export interface Encoded {
  shape: number[];
  f4?: string;
  f8?: string;
}

/** Results by name, each with the largest error that PyTorch makes in float32. */
export type Results = Record<string, Encoded & { float32Error: number }>;

/** The fixture file of that name. */
export const load = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`./fixtures/torch/${name}.json`, import.meta.url), "utf8"));

/** The numbers of an encoded array. */
export function decode({ f4, f8 }: Encoded): number[] {
  const { buffer } = Uint8Array.from(Buffer.from((f4 ?? f8)!, "base64"));
  return Array.from(f8 === undefined ? new Float32Array(buffer) : new Float64Array(buffer));
}

/** Writes the error of a result, relative to its largest element, beside PyTorch's own, for docs/coverage.md. */
function note(op: string, result: string, actual: ArrayLike<number>, expected: readonly number[], torch: number): void {
  const path = process.env["VOXPIX_COVERAGE"];
  if (!path || expected.length === 0) return;
  const finite = (value: number) => (Number.isFinite(value) ? Math.abs(value) : 0);
  const largest = Math.max(...expected.map(finite)) || 1;
  const ours = Math.max(...expected.map((value, i) => finite((actual[i] ?? Number.NaN) - value)));
  appendFileSync(path, `${JSON.stringify({ op, result, ours: ours / largest, torch: torch / largest })}\n`);
}

/** Fails when an element is off by more than four times PyTorch's own float32 error, or 1e-6 of the largest element. `op`: for docs/coverage.md. */
export async function judge(results: Results, name: string, actual: Tensor, op?: string): Promise<void> {
  const { float32Error, ...encoded } = results[name]!;
  const expected = decode(encoded);
  expect(actual.shape, `shape of ${name}`).toEqual(encoded.shape);
  const largest = expected.reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    0,
  );
  const values = await actual.data();
  if (op) note(op, name, values, expected, float32Error);
  expectClose(values, expected, Math.max((4 * float32Error) / (largest || 1), 1e-6), name);
}
