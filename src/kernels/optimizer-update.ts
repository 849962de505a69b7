/** Dispatch of the fused in-place updates: one kernel an update rule, one dispatch a parameter. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { blockWindows } from "./windows.js";

/** The update kernels by name. */
export const updateKernels = {
  adadelta: sources.adadelta,
  adagrad: sources.adagrad,
  adam: sources.adam,
  adamax: sources.adamax,
  blend: sources.blend,
  rmsprop: sources.rmsprop,
  sgd: sources.sgd,
} as const;

/** Name of an update kernel. */
export type UpdateKernel = keyof typeof updateKernels;

/** One parameter's update. */
export interface UpdateLaunch {
  readonly kernel: UpdateKernel;
  /** Table of the kernel's `Scalars`, one row a parameter. */
  readonly scalars: Storage;
  /** This parameter's row of it. */
  readonly row: number;
  /** Number of elements. */
  readonly count: number;
  readonly gradient: Storage;
  readonly parameter: Storage;
  /** State by the kernel's binding names; what is missing the kernel must not touch under these `constants`. */
  readonly state: Readonly<Record<string, Storage>>;
  readonly constants: Readonly<Record<string, number>>;
}

/** Updates parameter and state in place, in windows where they exceed a binding. */
export function updateParameter(device: Device, launch: UpdateLaunch): void {
  const { kernel, scalars, row, count, gradient, parameter, state, constants } = launch;
  const source = updateKernels[kernel];
  const shared = new Set(["scalars", "gradient", "parameter"]);
  const slots = Object.keys(source.buffers).filter((name) => !shared.has(name));
  // Every binding must be there, and may not overlap another that is written.
  const unused = new Map(
    slots.filter((name) => !state[name]).map((name) => [name, device.allocate(4, `${kernel}/unused`)]),
  );
  for (const { blocks, offset, bytes } of blockWindows(device, count)) {
    const window = (storage: Storage) => ({ storage, offset, bytes });
    const bound = slots.map((name) => [name, state[name] ? window(state[name]) : unused.get(name)]);
    device.launch<typeof source>(source, {
      dims: { blocks, row },
      buffers: { scalars, gradient: window(gradient), parameter: window(parameter), ...Object.fromEntries(bound) },
      constants,
      groups: grid(blocks, 64),
    } as never);
  }
  for (const storage of unused.values()) storage.release();
}
