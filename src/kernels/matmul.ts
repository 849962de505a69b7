/** Dispatch of the matrix product: strides for the four forms, windows for what exceeds one binding, version and tiles. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import { lanesToUse, type Split, splitSum, sumParts, sumSlices } from "./gemm.js";
import * as sources from "./generated.js";
import type { Storage } from "./storage.js";
import { groupTiles, laneTiles } from "./tiles.js";

/** A product of two row-major matrices, `output[M, N] = op(a) op(b) + bias`. */
export interface MatmulLaunch {
  readonly a: Storage;
  readonly b: Storage;
  /** `[N]`, added to every row. */
  readonly bias: Storage | null;
  readonly output: Storage;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** `a` is stored as [K, M] instead of [M, K]. */
  readonly transposeA: boolean;
  /** `b` is stored as [N, K] instead of [K, N]. */
  readonly transposeB: boolean;
}

type Range = readonly [from: number, to: number];

/** A block of the product: `[from, to)` along each of its three axes. */
interface Block {
  readonly m: Range;
  readonly n: Range;
  readonly k: Range;
}

/** A piece of a matrix, as the kernels see it: element [i, j] lies at offset + i * row + j * column. */
export interface Piece {
  readonly binding: Binding;
  readonly offset: number;
  readonly row: number;
  readonly column: number;
}

/** Windows of so many rows start at multiples of 256 bytes whatever the length of a row. */
const rowGranularity = 64;

/** Rows of a matrix that one binding holds; all of them when it fits. */
function rowsPerWindow(device: Device, storage: Storage, rows: number, columns: number): number {
  const limit = device.adapter.maxBindingBytes;
  if (storage.bytes <= limit) return Math.max(rows, 1);
  const rowBytes = columns * 4;
  const aligned = Math.floor(limit / (rowBytes * rowGranularity)) * rowGranularity;
  // A window of fewer, long rows starts up to 252 bytes before them.
  return aligned > 0 ? aligned : Math.max(1, Math.floor((limit - 256) / rowBytes));
}

function ranges(length: number, step: number): Range[] {
  const count = Math.max(1, Math.ceil(length / step));
  return Array.from({ length: count }, (_, i) => [i * step, Math.min(length, (i + 1) * step)] as const);
}

/** The part of a stored matrix that starts at `rows[0]` and `column`; bound alone when the whole does not fit one binding. */
function piece(
  device: Device,
  storage: Storage,
  width: number,
  rows: Range,
  column: number,
  transposed: boolean,
): Piece {
  const strides = transposed ? { row: 1, column: width } : { row: width, column: 1 };
  if (storage.bytes <= device.adapter.maxBindingBytes) {
    return { binding: storage, offset: rows[0] * width + column, ...strides };
  }
  const first = rows[0] * width;
  const start = Math.floor(first / 64) * 64;
  const bytes = Math.ceil((rows[1] * width - start) / 64) * 256;
  return { binding: { storage, offset: start * 4, bytes }, offset: first - start + column, ...strides };
}

/** Records a matrix product. @throws {DeviceError} when a row of an operand exceeds one binding. */
export function matmul(device: Device, launch: MatmulLaunch): void {
  const { a, b, output, M, N, K, transposeA, transposeB } = launch;
  if (M * N === 0) return;
  const aRows = transposeA ? rowsPerWindow(device, a, K, M) : rowsPerWindow(device, a, M, K);
  const bRows = transposeB ? rowsPerWindow(device, b, N, K) : rowsPerWindow(device, b, K, N);
  const mStep = Math.min(transposeA ? M : aRows, rowsPerWindow(device, output, M, N));
  const nStep = transposeB ? bRows : N;
  const kStep = Math.min(transposeA ? aRows : Math.max(K, 1), transposeB ? Math.max(K, 1) : bRows);
  const kRanges = ranges(K, kStep);
  const lanes = lanesToUse(device);
  const tiles = Math.ceil(M / (lanes ? 16 : 64)) * Math.ceil(N / (lanes ? 4 * lanes : 64));
  const split = kRanges.length > 1 ? { splits: 1, chunk: Math.ceil(kStep / 4) * 4 } : splitSum(device, tiles, K, M * N);
  const record = (target: Storage, part: number, slice: number) => {
    const k = kRanges[part] as Range;
    for (const m of ranges(M, mStep)) {
      for (const n of ranges(N, nStep)) dispatch(device, launch, target, { m, n, k }, { part, slice, split });
    }
  };
  const slices = kRanges.length * split.splits;
  if (kRanges.length > 1 && slices * M * N * 4 > device.adapter.maxBindingBytes) {
    sumParts(device, output, kRanges.length, M * N, (target, part) => record(target, part, 0));
  } else {
    sumSlices(device, output, slices, M * N, (target) => {
      kRanges.forEach((_, part) => {
        record(target, part, part);
      });
    });
  }
}

/** Which part of the sum over k is recorded, and into which slice of its target. */
interface Place {
  readonly part: number;
  readonly slice: number;
  readonly split: Split;
}

function dispatch(
  device: Device,
  launch: MatmulLaunch,
  target: Storage,
  { m, n, k }: Block,
  { part, slice, split }: Place,
): void {
  const { M, N, K, transposeA, transposeB, bias } = launch;
  const a = transposeA ? piece(device, launch.a, M, k, m[0], true) : piece(device, launch.a, K, m, k[0], false);
  const b = transposeB ? piece(device, launch.b, K, n, k[0], true) : piece(device, launch.b, N, k, n[0], false);
  // Slices are short by choice, and bound whole: they need not start at a multiple of 256 bytes.
  const whole = { binding: target, offset: slice * M * N + m[0] * N + n[0], row: N, column: 1 };
  const problem = {
    M: m[1] - m[0],
    N: n[1] - n[0],
    K: k[1] - k[0],
    ...split,
    a,
    b,
    out: slice > 0 || split.splits > 1 ? whole : piece(device, target, N, m, n[0], false),
    slice: M * N,
    // Only the first part carries the bias. The kernels want some binding where there is none.
    bias: bias && part === 0 ? bias : null,
    biasOffset: n[0],
    noBias: { storage: launch.a, offset: 0, bytes: 256 },
  };
  launchProblem(device, problem);
}

/** Records one product of pieces that each fit a binding. */
export function launchProblem(device: Device, problem: Problem): void {
  const lanes = lanesToUse(device);
  if (lanes === null) launchTile(device, problem);
  // Few columns waste lanes, few rows do not: turn the product round.
  else if (problem.N <= lanes && problem.M > problem.N && !problem.columnGroup) {
    launchLane(device, transpose(problem), lanes, true);
  } else launchLane(device, problem, lanes, false);
}

/** A product as one dispatch computes it. */
export interface Problem {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly splits: number;
  readonly chunk: number;
  readonly a: Piece;
  readonly b: Piece;
  /** Columns of `b` come in groups of `size`, `jump` elements apart. Default: all next to each other. */
  readonly columnGroup?: { readonly size: number; readonly jump: number };
  readonly out: Piece;
  /** Elements from one split's result to the next, or one matrix of a batch. */
  readonly slice: number;
  /** A batch of products, each `a` and `b` so many elements after the one before; `splits` is then their number. */
  readonly batch?: { readonly a: number; readonly b: number };
  readonly bias: Storage | null;
  /** Element of the bias that belongs to column 0. */
  readonly biasOffset: number;
  /** Anything to bind where there is no bias. */
  readonly noBias: Binding;
}

const turn = (matrix: Piece): Piece => ({ ...matrix, row: matrix.column, column: matrix.row });

/** The same product as (op(b)ᵀ op(a)ᵀ)ᵀ. */
const transpose = (p: Problem): Problem => ({
  ...p,
  M: p.N,
  N: p.M,
  a: turn(p.b),
  b: turn(p.a),
  out: turn(p.out),
  ...(p.batch ? { batch: { a: p.batch.b, b: p.batch.a } } : {}),
});

function common(problem: Problem, biasAlongRows: boolean) {
  const { M, N, K, chunk, a, b, out, slice, bias, biasOffset, noBias } = problem;
  return {
    dims: {
      M,
      N,
      K,
      chunk,
      a_offset: a.offset,
      a_row: a.row,
      a_k: a.column,
      b_offset: b.offset,
      b_k: b.row,
      b_column: b.column,
      b_group: problem.columnGroup?.size ?? problem.N,
      b_jump: problem.columnGroup?.jump ?? 0,
      output_offset: out.offset,
      output_row: out.row,
      output_column: out.column,
      slice,
      a_batch: problem.batch?.a ?? 0,
      b_batch: problem.batch?.b ?? 0,
      has_bias: bias ? 1 : 0,
      bias_offset: biasOffset,
      bias_row: biasAlongRows ? 1 : 0,
      bias_column: biasAlongRows ? 0 : 1,
    },
    buffers: { a: a.binding, b: b.binding, bias: bias ?? noBias, output: out.binding },
  };
}

function launchLane(device: Device, problem: Problem, lanes: number, biasAlongRows: boolean): void {
  const { constants, groups } = laneTiles(device, "matmul", lanes, problem.M, problem.N);
  device.launch(sources["matmul-lane"], {
    ...common(problem, biasAlongRows),
    constants,
    groups: [...groups, problem.splits],
  });
}

function launchTile(device: Device, problem: Problem): void {
  const { constants, groups } = groupTiles(device, "matmul", problem.M, problem.N);
  device.launch(sources.matmul, { ...common(problem, false), constants, groups: [...groups, problem.splits] });
}

/** `count` products of matrices that lie one after the other, without a bias. */
export interface BatchedMatmulLaunch extends Omit<MatmulLaunch, "bias"> {
  readonly count: number;
}

/** The longest sum that one accumulator adds up in order, and the most workgroups along grid z. */
const [longestSum, mostMatrices] = [8192, 65_535];

/** Records a batch of products: one dispatch, or one by one where the operands are over one binding or the sums are long. */
export function batchedMatmul(device: Device, launch: BatchedMatmulLaunch): void {
  const { a, b, output, M, N, K, count, transposeA, transposeB } = launch;
  if (count * M * N === 0) return;
  const limit = device.adapter.maxBindingBytes;
  if (K === 0 || K > longestSum || [a, b, output].some(({ bytes }) => bytes > limit)) {
    oneByOne(device, launch);
    return;
  }
  const matrix = (binding: Binding, first: number, size: number, width: number, transposed: boolean): Piece => ({
    binding,
    offset: first * size,
    row: transposed ? 1 : width,
    column: transposed ? width : 1,
  });
  for (let first = 0; first < count; first += mostMatrices) {
    launchProblem(device, {
      M,
      N,
      K,
      splits: Math.min(mostMatrices, count - first),
      chunk: Math.ceil(K / 4) * 4,
      a: matrix(a, first, M * K, transposeA ? M : K, transposeA),
      b: matrix(b, first, K * N, transposeB ? K : N, transposeB),
      out: matrix(output, first, M * N, N, false),
      slice: M * N,
      batch: { a: M * K, b: K * N },
      bias: null,
      biasOffset: 0,
      noBias: { storage: a, offset: 0, bytes: 256 },
    });
  }
}

/** Each product in buffers of its own: a matrix in a batch need not start where a binding may. */
function oneByOne(device: Device, { a, b, output, count, ...launch }: BatchedMatmulLaunch): void {
  const { M, N, K } = launch;
  const [one, two, product] = [M * K, K * N, M * N].map((size) => device.allocate(size * 4, "matmul/matrix")) as [
    Storage,
    Storage,
    Storage,
  ];
  for (let i = 0; i < count; i++) {
    device.copy(a, i * M * K * 4, one, 0, M * K * 4);
    device.copy(b, i * K * N * 4, two, 0, K * N * 4);
    matmul(device, { ...launch, a: one, b: two, bias: null, output: product });
    device.copy(product, 0, output, i * M * N * 4, M * N * 4);
  }
  for (const storage of [one, two, product]) storage.release();
}
