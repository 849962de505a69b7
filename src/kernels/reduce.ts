/** Dispatch of the axis reductions: as many passes as it takes to keep each thread's share short. */
import type { Device } from "./device.js";
import { sources } from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";

/** Elements one thread combines: short enough to be exact, long enough to be worth a thread. */
const elementsPerThread = 64;

const sum = { combine: "a + b", start: "0.0", element: "v" } as const;

/**
 * How two values combine, what a thread starts from, and what is done to an element first: WGSL expressions of `a` and `b`,
 * `first`, and `v`.
 */
const reductions = {
  sum,
  sumSquares: { ...sum, element: "v * v" },
  sumAbs: { ...sum, element: "abs(v)" },
  max: { combine: "select(max(a, b), a + b, is_nan(a) || is_nan(b))", start: "first", element: "v" },
  min: { combine: "select(min(a, b), a + b, is_nan(a) || is_nan(b))", start: "first", element: "v" },
} as const;

/** The reductions there are. */
export type Reduction = keyof typeof reductions;

/** What combines the results of a first pass: squares and magnitudes are taken once only. */
const laterPass = (kind: Reduction): Reduction => (kind === "sumSquares" || kind === "sumAbs" ? "sum" : kind);

/** What a reduction works on: the middle axis of `[outer, length, inner]`. */
export interface ReductionSize {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

/**
 * Reduces the middle axis of `[outer, length, inner]`; `length` is at least 1.
 *
 * @param scale - Factor of the result, for means.
 */
export function reduce(
  device: Device,
  kind: Reduction,
  input: Storage,
  output: Storage,
  size: ReductionSize,
  scale = 1,
): void {
  const { outer, inner } = size;
  let from = input;
  let length = size.length;
  while (true) {
    const split = Math.ceil(length / elementsPerThread);
    const last = split === 1;
    const to = last ? output : device.allocate(outer * split * inner * 4, `${kind}/partial`);
    device.launch(sources.reduce, {
      dims: { outer, R: length, inner, split, scale: last ? scale : 1 },
      buffers: { input: from, output: to },
      constants: reductions[from === input ? kind : laterPass(kind)],
      groups: grid(outer * split * inner, 64),
    });
    if (from !== input) from.release();
    if (last) return;
    from = to;
    length = split;
  }
}

/**
 * Reduces one run of axes after another; without runs it copies. No run is of length 0.
 *
 * @param runs - Each as it is once the runs before it are gone.
 * @param scale - Factor of the result, for means.
 */
export function reduceRuns(
  device: Device,
  kind: Reduction,
  input: Storage,
  output: Storage,
  runs: readonly ReductionSize[],
  scale = 1,
): void {
  if (runs.length === 0) device.copy(input, 0, output, 0, output.bytes);
  let from = input;
  runs.forEach((size, i) => {
    const last = i === runs.length - 1;
    const count = size.outer * size.inner;
    const to = last ? output : device.allocate(count * 4, `${kind}/partial`);
    if (count > 0) reduce(device, i === 0 ? kind : laterPass(kind), from, to, size, last ? scale : 1);
    if (from !== input) from.release();
    from = to;
  });
}
