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

/** Channels in units of the vector they are read as. */
const lanes = (C: number) => (C % 4 === 0 ? ({ V: "vec4f", width: 4 } as const) : ({ V: "f32", width: 1 } as const));

/** Dims and grid of a pass in which one invocation works on four rows of a channel, a whole number of rows apart. */
function fourRows({ M, C }: Rows) {
  const { V, width } = lanes(C);
  const channels = C / width;
  const STEP = Math.ceil(M / 4) * channels;
  return { V, dims: { n: M * channels, C: channels, STEP }, groups: grid(STEP, 64) };
}

/** How a pass over all rows of `[M, C]` is laid out: Vs a workgroup, shares of the rows, and workgroups. */
interface Pass {
  readonly constants: { readonly V: string; readonly CHANNELS: number };
  readonly dims: { readonly M: number; readonly C: number; readonly S: number };
  readonly groups: [number, number, number];
}

/** Workgroups that keep an adapter busy, and most shares of the rows. */
const busy = (device: Device) => (device.adapter.software ? ([4, 1] as const) : ([512, 128] as const));
/** Rows of one thread: with fewer a share is not worth a workgroup, with more its rounding shows. */
const fewestRows = 64;
const mostRows = 8192;

/**
 * One share where the adapter is busy with the channels alone: then the pass leaves one result, and nothing to merge. Software takes as many
 * Vs a workgroup as leave it a few workgroups; a GPU takes neighbours, which it loads together, and shares.
 */
function passOver(device: Device, { M, C }: Rows): Pass {
  const { V, width } = lanes(C);
  const channels = C / width;
  const [wanted, shares] = busy(device);
  let CHANNELS = 16;
  while (CHANNELS > 1 && Math.ceil(channels / CHANNELS) * shares < wanted) CHANNELS /= 2;
  const rows = (perThread: number) => Math.ceil(M / ((64 / CHANNELS) * perThread));
  const S = Math.max(1, rows(mostRows), Math.min(shares, rows(fewestRows)));
  return {
    constants: { V, CHANNELS },
    dims: { M, C: channels, S },
    groups: grid(Math.ceil(channels / CHANNELS) * S, 1),
  };
}

/** The part of a storage that holds its first row. */
const firstRow = (x: Storage, C: number): Binding => ({
  storage: x,
  offset: 0,
  bytes: Math.min(x.bytes, Math.max(256, Math.ceil((C * 4) / 256) * 256)),
});

/** Windows of rows of tensors `[M, C]`; one window when a tensor fits one binding. */
const rowWindows = (device: Device, op: string, { M, C }: Rows) => imageWindows(device, op, M, [[M * C * 4, C]]);

/** Mean and rstd of each channel; updates the running statistics when there are any. `M` is at least 1. */
export function batchNorm2dStatistics(
  device: Device,
  x: Storage,
  { M, C }: Rows,
  eps: number,
  statistics: Statistics,
  running: RunningStatistics | null,
): void {
  const windows = rowWindows(device, "batchNorm2d", { M, C });
  const passes = windows.map((window) => ({ window, ...passOver(device, { M: window.N, C }) }));
  const S = passes.reduce((total, { dims }) => total + dims.S, 0);
  // What a dispatch does not use still needs memory of its own, which nothing reads or writes.
  const spare: Storage[] = [];
  const room = (rows = 1) => {
    const storage = device.allocate(rows * C * 4, "batchNorm2d/partial");
    spare.push(storage);
    return storage;
  };
  const results = () => ({ running_mean: running?.mean ?? room(), running_var: running?.var ?? room(), ...statistics });
  const unused = () => ({ running_mean: room(), running_var: room(), mean: room(), rstd: room() });
  const { momentum, correction } = running ?? { momentum: 0, correction: 1 };
  const moved = { eps, momentum, correction };
  const RUNNING = running ? 1 : 0;
  const first = firstRow(x, C);
  const parts = passes.map(({ window, dims, constants, groups }) => {
    const partial = room(3 * dims.S);
    device.launch(sources["batch-norm2d-stats"], {
      dims: { ...dims, ...moved },
      buffers: { x: window.of(x, C), first, ...(S === 1 ? results() : unused()), partial },
      constants: { ...constants, FINISH: S === 1 ? 1 : 0, RUNNING },
      groups,
    });
    return { partial, bytes: 3 * dims.S * C * 4 };
  });
  if (S > 1) {
    const [only] = parts;
    const partial = parts.length === 1 && only ? only.partial : room(3 * S);
    let at = 0;
    for (const part of parts.length === 1 ? [] : parts) {
      device.copy(part.partial, 0, partial, at, part.bytes);
      at += part.bytes;
    }
    device.launch(sources["batch-norm2d-finish"], {
      dims: { S, C, ...moved },
      buffers: { partial, first, ...results() },
      constants: { RUNNING },
      groups: grid(C, 64),
    });
  }
  for (const storage of spare) storage.release();
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

/** `bias = sum gradOutput`, `weight = sum gradOutput * (x - mean) * rstd`, each `[C]`. `M` is at least 1. */
export function batchNorm2dGradSums(
  device: Device,
  buffers: Readonly<Record<"grad_output" | "x" | "mean" | "rstd", Storage>>,
  { bias, weight }: { readonly bias: Storage; readonly weight: Storage },
  { M, C }: Rows,
): void {
  const windows = rowWindows(device, "batchNorm2dGradSums", { M, C });
  const passes = windows.map((window) => ({ window, ...passOver(device, { M: window.N, C }) }));
  const S = passes.reduce((total, { dims }) => total + dims.S, 0);
  const sums = [bias, weight];
  const whole = S === 1 ? sums : sums.map(() => device.allocate(S * C * 4, "batchNorm2d/partial"));
  let at = 0;
  for (const { window, dims, constants, groups } of passes) {
    const bytes = dims.S * C * 4;
    const several = passes.length > 1;
    const parts = several ? sums.map(() => device.allocate(bytes, "batchNorm2d/partial")) : whole;
    const [grad_bias, grad_weight] = parts as [Storage, Storage];
    const bound = { ...buffers, grad_output: window.of(buffers.grad_output, C), x: window.of(buffers.x, C) };
    device.launch(sources["batch-norm2d-grad-sums"], {
      dims,
      buffers: { ...bound, grad_bias, grad_weight },
      constants,
      groups,
    });
    for (const [i, part] of several ? parts.entries() : []) {
      device.copy(part, 0, whole[i] as Storage, at, bytes);
      part.release();
    }
    at += bytes;
  }
  if (S === 1) return;
  whole.forEach((partial, i) => {
    reduce(device, "sum", partial, sums[i] as Storage, { outer: 1, length: S, inner: C });
    partial.release();
  });
}

/** `weight * rstd * (gradOutput - (grad_bias + xhat * grad_weight) / M)`. */
export function batchNorm2dGradInput(
  device: Device,
  buffers: Readonly<
    Record<"grad_output" | "x" | "weight" | "mean" | "rstd" | "grad_bias" | "grad_weight" | "grad_input", Storage>
  >,
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
