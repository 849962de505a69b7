/** Dispatch of batch normalisation over the rows of `[M, C]`: statistics, normalisation and the two passes of the gradient. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import { reduce } from "./reduce.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

/** Rows and channels. */
export interface Rows {
  readonly M: number;
  readonly C: number;
}

/** One value a channel each. */
export interface Statistics {
  readonly mean: Storage;
  readonly rstd: Storage;
}

/** Running statistics and how they move: `new = (1 - momentum) old + momentum batch`, the variance times `correction`. */
export interface RunningStatistics {
  readonly mean: Storage;
  readonly var: Storage;
  readonly momentum: number;
  readonly correction: number;
}

/** Partial results that one thread still combines at the end. */
const fewPartials = 128;

/** Channels in units of the vector they are read as. */
const lanes = (C: number) => (C % 4 === 0 ? ({ V: "vec4f", width: 4 } as const) : ({ V: "f32", width: 1 } as const));

/** Dims and grid of a pass in which one invocation works on four rows of a channel, a whole number of rows apart. */
function fourRows({ M, C }: Rows) {
  const { V, width } = lanes(C);
  const channels = C / width;
  const STEP = Math.ceil(M / 4) * channels;
  return { V, dims: { n: M * channels, C: channels, STEP }, groups: grid(STEP, 64) };
}

/** Shares of the rows: short ones where that needs no merge in between, else long enough to be worth a thread. */
function shares(M: number): number {
  const short = Math.ceil(M / 32);
  return short <= fewPartials ? short : Math.min(4096, Math.max(fewPartials, Math.ceil(M / 256)));
}

/** The part of a storage that holds its first row. */
const firstRow = (x: Storage, C: number): Binding => ({
  storage: x,
  offset: 0,
  bytes: Math.min(x.bytes, Math.max(256, Math.ceil((C * 4) / 256) * 256)),
});

/** Windows of rows of tensors `[M, C]`; one window when a tensor fits one binding. */
const rowWindows = (device: Device, op: string, { M, C }: Rows) => imageWindows(device, op, M, [[M * C * 4, C]]);

/** Counts, means and squared deviations of some rows: `[S, 3, C]` with `S` small, which the caller releases. */
function partialStatistics(device: Device, x: Binding, first: Binding, { M, C }: Rows) {
  const { V, width } = lanes(C);
  const channels = C / width;
  let S = shares(M);
  let partial = device.allocate(S * 3 * C * 4, "batchNorm2d/partial");
  device.launch(sources["batch-norm2d-stats"], {
    dims: { M, C: channels, S },
    buffers: { x, first, partial },
    constants: { V },
    groups: grid(S * channels, 64),
  });
  while (S > fewPartials) {
    const T = Math.ceil(S / 64);
    const merged = device.allocate(T * 3 * C * 4, "batchNorm2d/partial");
    device.launch(sources["batch-norm2d-merge"], {
      dims: { S, T, C: channels },
      buffers: { partial, merged },
      constants: { V },
      groups: grid(T * channels, 64),
    });
    partial.release();
    partial = merged;
    S = T;
  }
  return { partial, S };
}

/** The same of all rows, which may exceed one binding. */
function allStatistics(device: Device, x: Storage, first: Binding, { M, C }: Rows) {
  const windows = rowWindows(device, "batchNorm2d", { M, C });
  const parts = windows.map((window) => partialStatistics(device, window.of(x, C), first, { M: window.N, C }));
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const S = parts.reduce((total, part) => total + part.S, 0);
  const partial = device.allocate(S * 3 * C * 4, "batchNorm2d/partial");
  let at = 0;
  for (const part of parts) {
    const bytes = part.S * 3 * C * 4;
    device.copy(part.partial, 0, partial, at, bytes);
    part.partial.release();
    at += bytes;
  }
  return { partial, S };
}

/** Mean and rstd of each channel; updates the running statistics when there are any. `M` is at least 1. */
export function batchNorm2dStatistics(
  device: Device,
  x: Storage,
  { M, C }: Rows,
  eps: number,
  statistics: Statistics,
  running: RunningStatistics | null,
): void {
  const first = firstRow(x, C);
  const { partial, S } = allStatistics(device, x, first, { M, C });
  // Without running statistics their bindings still need memory of their own, which nothing reads or writes.
  const spare = running ? null : [0, 1].map(() => device.allocate(C * 4, "batchNorm2d/spare"));
  const { momentum, correction } = running ?? { momentum: 0, correction: 1 };
  device.launch(sources["batch-norm2d-finish"], {
    dims: { S, C, eps, momentum, correction },
    buffers: {
      partial,
      first,
      running_mean: running?.mean ?? (spare?.[0] as Storage),
      running_var: running?.var ?? (spare?.[1] as Storage),
      mean: statistics.mean,
      rstd: statistics.rstd,
    },
    constants: { RUNNING: running ? 1 : 0 },
    groups: grid(C, 64),
  });
  for (const storage of [partial, ...(spare ?? [])]) storage.release();
}

/** `(x - mean) * rstd * weight + bias`; with `eps`, `spread` holds variances instead of rstd. */
export function batchNorm2dApply(
  device: Device,
  buffers: Readonly<Record<"x" | "weight" | "bias" | "mean" | "spread" | "output", Storage>>,
  { M, C }: Rows,
  eps: number | null,
): void {
  for (const window of rowWindows(device, "batchNorm2d", { M, C })) {
    const { V, dims, groups } = fourRows({ M: window.N, C });
    device.launch(sources["batch-norm2d"], {
      dims: { ...dims, eps: eps ?? 0 },
      buffers: { ...buffers, x: window.of(buffers.x, C), output: window.of(buffers.output, C) },
      constants: { V, scale_of: eps === null ? "v" : "V(1.0) / sqrt(v + V(dims.eps))" },
      groups,
    });
  }
}

/** `sums[0] = sum gradOutput`, `sums[1] = sum gradOutput * (x - mean) * rstd`, each `[C]`. `M` is at least 1. */
export function batchNorm2dGradSums(
  device: Device,
  buffers: Readonly<Record<"grad_output" | "x" | "mean" | "rstd", Storage>>,
  sums: Storage,
  { M, C }: Rows,
): void {
  const windows = rowWindows(device, "batchNorm2dGradSums", { M, C });
  const several = windows.length > 1;
  const parts = several ? device.allocate(windows.length * 2 * C * 4, "batchNorm2d/parts") : sums;
  windows.forEach((window, i) => {
    const bound = { ...buffers, grad_output: window.of(buffers.grad_output, C), x: window.of(buffers.x, C) };
    gradSums(device, bound, sums, { M: window.N, C });
    if (several) device.copy(sums, 0, parts, i * 2 * C * 4, 2 * C * 4);
  });
  if (!several) return;
  reduce(device, "sum", parts, sums, { outer: 1, length: windows.length, inner: 2 * C });
  parts.release();
}

function gradSums(
  device: Device,
  buffers: Readonly<Record<"grad_output" | "x" | "mean" | "rstd", Binding>>,
  sums: Storage,
  { M, C }: Rows,
): void {
  const { V, width } = lanes(C);
  const S = shares(M);
  const partial = S === 1 ? sums : device.allocate(S * 2 * C * 4, "batchNorm2d/partial");
  device.launch(sources["batch-norm2d-grad-sums"], {
    dims: { M, C: C / width, S },
    buffers: { ...buffers, partial },
    constants: { V },
    groups: grid((S * C) / width, 64),
  });
  if (partial === sums) return;
  reduce(device, "sum", partial, sums, { outer: 1, length: S, inner: 2 * C });
  partial.release();
}

/** `weight * rstd * (gradOutput - (sums[0] + xhat * sums[1]) / M)`. */
export function batchNorm2dGradInput(
  device: Device,
  buffers: Readonly<Record<"grad_output" | "x" | "weight" | "mean" | "rstd" | "sums" | "grad_input", Storage>>,
  { M, C }: Rows,
): void {
  for (const window of rowWindows(device, "batchNorm2dGradInput", { M, C })) {
    const { V, dims, groups } = fourRows({ M: window.N, C });
    const [grad_output, x, grad_input] = [buffers.grad_output, buffers.x, buffers.grad_input].map((storage) =>
      window.of(storage, C),
    ) as [Binding, Binding, Binding];
    device.launch(sources["batch-norm2d-grad-input"], {
      dims: { ...dims, per_row: 1 / M },
      buffers: { ...buffers, grad_output, x, grad_input },
      constants: { V },
      groups,
    });
  }
}
