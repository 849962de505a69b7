/** Dispatch of the fused in-place updates: one kernel an update rule, several parameters a dispatch. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import { grid } from "./grid.js";
import type { KernelSource } from "./kernel.js";
import { elementsPerInvocation, multiUpdate, ownBindings } from "./multi-update.js";
import type { Storage } from "./storage.js";
import { blockWindows } from "./windows.js";

/** The update rules, each a WGSL file; an export each, so that a page ships only the rules it uses. */
export { adadelta, adagrad, adam, adamax, blend, rmsprop, sgd } from "./generated.js";

/** One parameter's update. */
export interface ParameterUpdate {
  /** This parameter's row of the table. */
  readonly row: number;
  /** Number of elements. */
  readonly count: number;
  readonly gradient: Storage;
  readonly parameter: Storage;
  /** State by the kernel's binding names; what is missing the kernel must not touch under the launch's `constants`. */
  readonly state: Readonly<Record<string, Storage>>;
}

/** Updates under one rule. */
export interface UpdateLaunch {
  readonly kernel: KernelSource;
  /** Table of the kernel's `Scalars`, one row a parameter. */
  readonly scalars: Storage;
  readonly constants: Readonly<Record<string, number>>;
  /** All with the same names of states. */
  readonly updates: readonly ParameterUpdate[];
}

/** A parameter, or a window of a large one: what it binds, by the names of the kernel's own bindings. */
interface Part {
  readonly row: number;
  readonly count: number;
  readonly bound: readonly (readonly [name: string, binding: Binding])[];
}

/** A kernel of more parts takes longer to compile than it saves. */
const mostParts = 5;
/** Parameters with more elements have dispatches of their own, of the faster kernel for one. */
const mostElements = 65536;

/** Updates parameters and states in place, as if one after the other, in windows where they exceed a binding. */
export function updateParameters(device: Device, { kernel: source, scalars, constants, updates }: UpdateLaunch): void {
  const [first] = updates;
  if (!first) return;
  const names = ownBindings(source).filter((name) => name === "gradient" || name === "parameter" || first.state[name]);
  const absent = ownBindings(source).filter((name) => !names.includes(name));
  const most = Math.min(mostParts, Math.floor((device.adapter.maxStorageBuffers - 1) / names.length));
  const batches = independent(updates).flatMap((some) => batchesOf(device, some, names, Math.max(1, most)));
  for (const parts of batches) {
    const dims: Record<string, number> = {};
    const buffers: Record<string, Binding> = { scalars };
    let groups = 0;
    for (const [k, { row, count, bound }] of parts.entries()) {
      const invocations = Math.ceil(count / elementsPerInvocation(parts.length));
      Object.assign(dims, { [`first_${k}`]: groups, [`count_${k}`]: invocations, [`row_${k}`]: row });
      for (const [name, binding] of bound) buffers[`${name}_${k}`] = binding;
      groups += Math.ceil(invocations / 64);
    }
    const many = multiUpdate(source, absent, parts.length);
    device.launch(many, { dims, buffers, constants, groups: grid(groups, 1) });
  }
}

/**
 * The updates in runs in which none reads or changes what another changes: it would have to come after it, and WebGPU allows
 * no buffer to be both read and written in one dispatch.
 */
function independent(updates: readonly ParameterUpdate[]): ParameterUpdate[][] {
  const runs: ParameterUpdate[][] = [];
  let written = new Set<unknown>();
  let used = new Set<unknown>();
  for (const update of updates) {
    const changed = [update.parameter, ...Object.values(update.state)].map(({ buffer }) => buffer);
    const { buffer: read } = update.gradient;
    let run = runs.at(-1);
    if (!run || written.has(read) || changed.some((buffer) => used.has(buffer))) {
      run = [];
      runs.push(run);
      written = new Set();
      used = new Set();
    }
    run.push(update);
    for (const buffer of changed) written.add(buffer);
    for (const buffer of [read, ...changed]) used.add(buffer);
  }
  return runs;
}

/** Small parameters, so many at most together, and every window of a large one by itself. */
function batchesOf(
  device: Device,
  updates: readonly ParameterUpdate[],
  names: readonly string[],
  most: number,
): Part[][] {
  const batches: Part[][] = [];
  let open: Part[] = [];
  for (const { row, count, gradient, parameter, state } of updates) {
    const storages: Readonly<Record<string, Storage>> = { ...state, gradient, parameter };
    const windows = blockWindows(device, count);
    const alone = windows.length > 1 || count > mostElements;
    for (const { first, blocks, offset, bytes } of windows) {
      const bound = names.map((name) => [name, { storage: storages[name] as Storage, offset, bytes }] as const);
      const part = { row, count: Math.min(4 * blocks, count - 4 * first), bound };
      if (alone) batches.push([part]);
      else open.push(part);
    }
    if (open.length < most) continue;
    batches.push(open);
    open = [];
  }
  return open.length > 0 ? [...batches, open] : batches;
}
