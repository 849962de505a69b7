/** Dispatch of the normalisation of `[N, P, G, D]` over P and D: group, layer and instance norm. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

/** Images, pixels, groups, channels of a group. */
export interface GroupSizes {
  readonly N: number;
  readonly P: number;
  readonly G: number;
  readonly D: number;
}

/** The tensors of a normalisation; `mean` with what rounding took off it, `rest`, and `rstd` are results, `[N, G]`. */
export interface GroupNormBuffers {
  readonly x: Storage;
  readonly weight: Storage | null;
  readonly bias: Storage | null;
  readonly mean: Storage;
  readonly rest: Storage;
  readonly rstd: Storage;
  readonly output: Storage;
}

/** Partial results that one thread still combines at the end. */
const fewPartials = 128;
/** Elements of a share: long enough to be worth a thread, and longer where there are groups enough to keep the adapter busy. */
const shareOf = (groups: number) => (groups >= 4096 ? 1024 : 64);

/** Mean, rstd and the normalised `output` of `x`; no size is 0. Works in windows of images where a tensor exceeds a binding. */
export function groupNorm(device: Device, sizes: GroupSizes, eps: number, buffers: GroupNormBuffers): void {
  const { N, P, G, D } = sizes;
  const image = P * G * D;
  const windows = imageWindows(device, "groupNorm", N, [
    [buffers.x.bytes, image],
    [buffers.output.bytes, image],
  ]);
  let first = 0;
  for (const window of windows) {
    const part = { ...sizes, N: window.N };
    const x = window.of(buffers.x, image);
    // A window of images need not begin where a window of their few statistics may: these are made apart and copied.
    const own = (storage: Storage) =>
      windows.length === 1 ? storage : device.allocate(window.N * G * 4, "groupNorm/statistics");
    const results = { mean: own(buffers.mean), rest: own(buffers.rest), rstd: own(buffers.rstd) };
    statistics(device, part, eps, { x, ...results });
    const n = window.N * image;
    device.launch(sources["group-norm"], {
      dims: { n, P, G, D },
      buffers: {
        x,
        weight: buffers.weight ?? results.mean,
        bias: buffers.bias ?? results.mean,
        ...results,
        output: window.of(buffers.output, image),
      },
      constants: { WEIGHT: buffers.weight ? 1 : 0, BIAS: buffers.bias ? 1 : 0 },
      groups: grid(n, 64),
    });
    for (const name of windows.length === 1 ? [] : (["mean", "rest", "rstd"] as const)) {
      device.copy(results[name], 0, buffers[name], first * G * 4, window.N * G * 4);
      results[name].release();
    }
    first += window.N;
  }
}

function statistics(
  device: Device,
  { N, P: pixels, G, D: channels }: GroupSizes,
  eps: number,
  { x, ...results }: Readonly<Record<"x" | "mean" | "rest" | "rstd", Binding>>,
): void {
  const J = N * G;
  // A single group is one run of elements.
  const [P, D] = G === 1 ? [1, pixels * channels] : [pixels, channels];
  const one = P === 1 ? 2 : D === 1 ? 1 : 0;
  let S = Math.min(4096, Math.ceil((P * D) / shareOf(J)));
  let partial = device.allocate(S * 3 * J * 4, "groupNorm/partial");
  device.launch(sources["group-norm-stats"], {
    dims: { J, P, G, D, S },
    buffers: { x, partial },
    constants: { ONE: one },
    groups: grid(S * J, 64),
  });
  if (S > fewPartials) {
    const T = Math.ceil(S / 64);
    const merged = device.allocate(T * 3 * J * 4, "groupNorm/partial");
    device.launch(sources["batch-norm2d-merge"], {
      dims: { S, T, C: J },
      buffers: { partial, merged },
      constants: { V: "f32" },
      groups: grid(T * J, 64),
    });
    partial.release();
    partial = merged;
    S = T;
  }
  device.launch(sources["group-norm-finish"], {
    dims: { J, P, G, D, S, eps, zero: 0 },
    buffers: { partial, x, ...results },
    groups: grid(J, 64),
  });
  partial.release();
}
