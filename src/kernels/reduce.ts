/** Dispatch of the axis reductions: as many passes as it takes to keep each thread's share short. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { imageWindows, windowsFit } from "./windows.js";

/** Elements one thread combines in a pass that another follows: short enough to be exact, long enough to be worth a thread. */
const elementsPerThread = 64;
/** As many as it may, where that saves a pass. */
const mostElementsPerThread = 256;
/** The same in a last pass. */
const lastElementsPerThread = 128;
/** Threads that may share an output element in a last pass of so few outputs: software drivers take long over barriers. */
const mostLanes = 64;
const fewOutputs = 16;

/** WGSL element types. */
export type ElementType = "f32" | "i32" | "u32";

const sum = { combine: "a + b", start: "A()", element: "A(v)" };
// NaN is told by its bits, which integers do not have.
const extreme = (name: "max" | "min", float: boolean) => ({
  combine: float ? `select(${name}(a, b), a + b, is_nan(a) || is_nan(b))` : `${name}(a, b)`,
  start: "first",
  element: "A(v)",
});
const nonZero = (float: boolean) =>
  float ? "select(0u, 1u, (bitcast<u32>(v) & 0x7fffffffu) != 0u)" : "select(0u, 1u, v != 0)";

/**
 * How two values combine, what a thread starts from, and what is done to an element first: WGSL expressions of `a` and `b`,
 * `first`, and `v`; for floats or for integers.
 */
export const reductions = {
  sum: () => sum,
  sumSquares: () => ({ ...sum, element: "v * v" }),
  sumAbs: () => ({ ...sum, element: "abs(v)" }),
  prod: () => ({ combine: "a * b", start: "A(1)", element: "A(v)" }),
  max: (float: boolean) => extreme("max", float),
  min: (float: boolean) => extreme("min", float),
  any: (float: boolean) => ({ combine: "a | b", start: "0u", element: nonZero(float) }),
  all: (float: boolean) => ({ combine: "a & b", start: "1u", element: nonZero(float) }),
} as const;

/** The reductions there are. */
export type Reduction = keyof typeof reductions;

/** Options of a reduction. */
export interface ReduceKernelOptions {
  /** Factor of the result, for means; f32 only. Default 1. */
  readonly scale?: number;
  /** Element type of the input. Default f32. */
  readonly type?: ElementType;
  /** Element type of the result. Default: that of the input. */
  readonly resultType?: ElementType;
}

/** What combines the results of a first pass: squares, magnitudes and tests are taken once only. */
const laterPass = (kind: Reduction): Reduction => (kind === "sumSquares" || kind === "sumAbs" ? "sum" : kind);

/** The types of a pass over the results of another. */
const laterOptions = ({ scale = 1, type = "f32", resultType = type }: ReduceKernelOptions): ReduceKernelOptions => ({
  scale,
  type: resultType,
});

/** What a reduction works on: the middle axis of `[outer, length, inner]`. */
export interface ReductionSize {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

/**
 * Reduces the middle axis of `[outer, length, inner]`; `length` is at least 1. What exceeds one binding is read in windows,
 * where these cannot begin at the rows, through a copy.
 *
 * @throws {DeviceError} when neither 64 elements along `length` of all `inner` ones nor all of `length` for 64 fit one binding.
 */
export function reduce(
  device: Device,
  kind: Reduction,
  input: Storage,
  output: Storage,
  size: ReductionSize,
  options: ReduceKernelOptions = {},
): void {
  const { outer, length, inner } = size;
  const perRow = length * inner;
  if (outer === 1 && perRow * 4 > device.adapter.maxBindingBytes && inner * 256 <= device.adapter.maxBindingBytes) {
    reduceLong(device, kind, input, output, size, options);
    return;
  }
  const operands = [[input.bytes, perRow] as const, [output.bytes, inner] as const];
  if (!windowsFit(device, operands) && (outer > 1 || length * 256 <= device.adapter.maxBindingBytes)) {
    (outer > 1 ? reduceEach : reduceWide)(device, kind, input, output, size, options);
    return;
  }
  for (const { N, of } of imageWindows(device, kind, outer, operands, "rows"))
    reduceWhole(device, kind, of(input, perRow), of(output, inner), { ...size, outer: N }, options);
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
  options: ReduceKernelOptions,
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
      { ...options, scale: 1 },
    );
    device.copy(part, 0, parts, i * inner * 4, inner * 4);
  }
  reduce(device, laterPass(kind), parts, output, { outer: 1, length: count, inner }, laterOptions(options));
  part.release();
  parts.release();
}

/** Few long rows one by one, each from a copy that begins at its own start. */
function reduceEach(
  device: Device,
  kind: Reduction,
  input: Storage,
  output: Storage,
  { outer, length, inner }: ReductionSize,
  options: ReduceKernelOptions,
): void {
  const row = device.allocate(length * inner * 4, `${kind}/row`);
  const part = device.allocate(inner * 4, `${kind}/part`);
  for (let o = 0; o < outer; o++) {
    device.copy(input, o * length * inner * 4, row, 0, length * inner * 4);
    reduce(device, kind, row, part, { outer: 1, length, inner }, options);
    device.copy(part, 0, output, o * inner * 4, inner * 4);
  }
  part.release();
  row.release();
}

/** An axis of few elements that lie far apart: some columns at a time, copied together. */
function reduceWide(
  device: Device,
  kind: Reduction,
  input: Storage,
  output: Storage,
  { length, inner }: ReductionSize,
  options: ReduceKernelOptions,
): void {
  const step = Math.min(inner, Math.floor(device.adapter.maxBindingBytes / (length * 256)) * 64);
  const columns = device.allocate(length * step * 4, `${kind}/columns`);
  for (let first = 0; first < inner; first += step) {
    const count = Math.min(step, inner - first);
    for (let l = 0; l < length; l++) device.copy(input, (l * inner + first) * 4, columns, l * count * 4, count * 4);
    const part = windowOf(output, first, count);
    reduceWhole(device, kind, columns, part, { outer: 1, length, inner: count }, options);
  }
  columns.release();
}

/** How one pass cuts the axis: `split` results are left of it, of `lanes` threads each. */
interface Pass {
  readonly split: number;
  readonly lanes: number;
}

/** The next pass over an axis, so that as few as can be follow; where there are few outputs, threads share them in the last. */
function nextPass({ outer, length, inner }: ReductionSize): Pass {
  if (length <= lastElementsPerThread) return { split: 1, lanes: 1 };
  const longest = outer * inner <= fewOutputs ? mostLanes * elementsPerThread : lastElementsPerThread;
  if (length <= longest) return { split: 1, lanes: Math.min(mostLanes, 2 ** Math.ceil(Math.log2(length / 16))) };
  const wanted = Math.max(elementsPerThread, Math.ceil(length / longest));
  return { split: Math.ceil(length / (wanted > mostElementsPerThread ? elementsPerThread : wanted)), lanes: 1 };
}

/** Passes over one binding until a single element is left along the axis. */
function reduceWhole(
  device: Device,
  kind: Reduction,
  input: Binding,
  output: Binding,
  size: ReductionSize,
  options: ReduceKernelOptions,
): void {
  const { outer, inner } = size;
  let partial: Storage | null = null;
  let { length } = size;
  while (true) {
    const { split, lanes } = nextPass({ outer, length, inner });
    const next: Storage | null = split === 1 ? null : device.allocate(outer * split * inner * 4, `${kind}/partial`);
    const { scale = 1, type = "f32", resultType = type } = partial ? laterOptions(options) : options;
    const dims = { outer, R: length, inner, split, scale: next ? 1 : scale };
    const buffers = { input: partial ?? input, output: next ?? output };
    const constants = {
      ...reductions[partial ? laterPass(kind) : kind](type === "f32"),
      T: type,
      A: resultType,
      // Times 1 where there is nothing to scale: one kernel to compile, the same bits.
      finish: resultType === "f32" ? "dims.scale * v" : "v",
    };
    const groups = grid(outer * split * inner, 64 / lanes);
    if (lanes === 1) device.launch(sources.reduce, { dims, buffers, constants, groups });
    else {
      const few = 2 ** Math.ceil(Math.log2(lanes) / 2);
      device.launch(sources["reduce-lanes"], { dims: { ...dims, lanes, few }, buffers, constants, groups });
    }
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
 */
export function reduceRuns(
  device: Device,
  kind: Reduction,
  input: Storage,
  output: Storage,
  runs: readonly ReductionSize[],
  options: ReduceKernelOptions = {},
): void {
  if (runs.length === 0) device.copy(input, 0, output, 0, output.bytes);
  let from = input;
  runs.forEach((size, i) => {
    const last = i === runs.length - 1;
    const count = size.outer * size.inner;
    const to = last ? output : device.allocate(count * 4, `${kind}/partial`);
    const pass = i === 0 ? options : laterOptions(options);
    if (count > 0)
      reduce(device, i === 0 ? kind : laterPass(kind), from, to, size, last ? pass : { ...pass, scale: 1 });
    if (from !== input) from.release();
    from = to;
  });
}
