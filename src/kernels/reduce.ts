/** Dispatch of the axis reductions: as many passes as it takes to keep each thread's share short. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
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
 * Reduces the middle axis of `[outer, length, inner]`; `length` is at least 1. What exceeds one binding is read in windows.
 *
 * @param scale - Factor of the result, for means.
 * @throws {DeviceError} when 64 rows, outer ones or where there is but one of the axis itself, exceed a binding.
 */
export function reduce(
  device: Device,
  kind: Reduction,
  input: Storage,
  output: Storage,
  size: ReductionSize,
  scale = 1,
): void {
  const { outer, length, inner } = size;
  const limit = device.adapter.maxBindingBytes;
  if (outer * length * inner * 4 <= limit) reduceWhole(device, kind, input, output, size, scale);
  else if (outer > 1) {
    // 64 rows of 4-byte elements begin at a multiple of 256 bytes in the input and in the output.
    const step = Math.max(64, Math.floor(limit / (length * inner * 256)) * 64);
    for (let first = 0; first < outer; first += step) {
      const rows = Math.min(step, outer - first);
      const from = windowOf(input, first * length * inner, rows * length * inner);
      reduceWhole(device, kind, from, windowOf(output, first * inner, rows * inner), { ...size, outer: rows }, scale);
    }
  } else if (inner * 256 <= limit) reduceLong(device, kind, input, output, size, scale);
  else reduceWhole(device, kind, input, output, size, scale);
}

const windowOf = (storage: Storage, first: number, count: number): Binding => ({
  storage,
  offset: first * 4,
  bytes: Math.ceil((count * 4) / 256) * 256,
});

/** One long axis in pieces, each to a part of its own, and then the parts. */
function reduceLong(
  device: Device,
  kind: Reduction,
  input: Storage,
  output: Storage,
  size: ReductionSize,
  scale: number,
): void {
  const { length, inner } = size;
  const step = Math.floor(device.adapter.maxBindingBytes / (inner * 256)) * 64;
  const count = Math.ceil(length / step);
  const parts = device.allocate(count * inner * 4, `${kind}/parts`);
  const part = device.allocate(inner * 4, `${kind}/part`);
  for (let i = 0; i < count; i++) {
    const rows = Math.min(step, length - i * step);
    reduceWhole(
      device,
      kind,
      windowOf(input, i * step * inner, rows * inner),
      part,
      { outer: 1, length: rows, inner },
      1,
    );
    device.copy(part, 0, parts, i * inner * 4, inner * 4);
  }
  reduce(device, laterPass(kind), parts, output, { outer: 1, length: count, inner }, scale);
  part.release();
  parts.release();
}

/** Passes over one binding until a single element is left along the axis. */
function reduceWhole(
  device: Device,
  kind: Reduction,
  input: Binding,
  output: Binding,
  size: ReductionSize,
  scale: number,
): void {
  const { outer, inner } = size;
  let partial: Storage | null = null;
  let length = size.length;
  while (true) {
    const split = Math.ceil(length / elementsPerThread);
    const next: Storage | null = split === 1 ? null : device.allocate(outer * split * inner * 4, `${kind}/partial`);
    device.launch(sources.reduce, {
      dims: { outer, R: length, inner, split, scale: next ? 1 : scale },
      buffers: { input: partial ?? input, output: next ?? output },
      constants: reductions[partial ? laterPass(kind) : kind],
      groups: grid(outer * split * inner, 64),
    });
    partial?.release();
    if (!next) return;
    partial = next;
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
