/** Snapshots: all that a training is, on the host, so that it goes on after the device is lost or the program ends. */
import { ShapeError } from "../kernels/errors.js";
import { checkKind, show } from "../tensor/options.js";
import type { Tensor } from "../tensor/tensor.js";
import type { HostEntry, StateEntry } from "./state.js";

/** Something whose state is tensors by name: modules, optimizers, averages. */
interface Tensors {
  stateDict(): ReadonlyMap<string, Tensor>;
  loadStateDict(entries: ReadonlyMap<string, StateEntry>): void;
}

/** Something whose state is plain numbers: generators, schedulers, scalers. */
interface Plain {
  state(): unknown;
  restore(state: unknown): void;
}

/** Options of an optimizer's groups that a schedule changes. */
interface Rates {
  readonly groups: readonly { lr: number }[];
}

/** What a snapshot is taken of, by name. */
export type SnapshotParts = Readonly<Record<string, Tensors | Plain>>;

/** A part's state on the host. */
export interface SnapshotPart {
  /** Tensors by name; empty for parts of plain numbers. */
  readonly tensors: ReadonlyMap<string, HostEntry>;
  /** Plain numbers of parts that have no tensors. */
  readonly state: unknown;
  /** Learning rates of an optimizer's groups. */
  readonly rates: readonly number[];
}

/** States by the parts' names. */
export type Snapshot = Readonly<Record<string, SnapshotPart>>;

/** @throws {ShapeError} unless each part has a state that can be put back. */
function checkParts(op: string, parts: SnapshotParts): void {
  checkKind(op, "parts", parts, "object");
  for (const [name, part] of Object.entries(parts)) {
    const of = (method: string) => typeof (part as unknown as Record<string, unknown> | null)?.[method] === "function";
    if ((of("stateDict") && of("loadStateDict")) || (of("state") && of("restore"))) continue;
    throw new ShapeError(`${op}: part ${name} must be a module, optimizer, generator or scheduler, got ${show(part)}`);
  }
}

/** @throws {ShapeError} unless it is what `snapshot` gives. */
function checkSaved(name: string, part: unknown): SnapshotPart {
  checkKind("restore", `the snapshot of ${name}`, part, "object");
  const { tensors, rates } = part as SnapshotPart;
  checkKind("restore", `tensors of ${name}`, tensors, "map");
  checkKind("restore", `rates of ${name}`, rates, "numbers");
  return part as SnapshotPart;
}

const hasTensors = (part: SnapshotParts[string]): part is Tensors => "stateDict" in part;
const hasRates = (part: object): part is Rates => "groups" in part;

async function read(part: SnapshotParts[string]): Promise<SnapshotPart> {
  const rates = hasRates(part) ? part.groups.map(({ lr }) => lr) : [];
  if (!hasTensors(part)) return { tensors: new Map(), state: await part.state(), rates };
  // All copies are recorded before the first is waited for: steps taken meanwhile do not show.
  const reads = [...part.stateDict()].map(async ([name, tensor]): Promise<[string, HostEntry]> => {
    const { shape, dtype } = tensor;
    return [name, { shape, dtype, values: await tensor.data() }];
  });
  return { tensors: new Map(await Promise.all(reads)), state: null, rates };
}

/**
 * Reads everything back, as it is at the call: steps that are taken before it resolves do not show.
 *
 * @param parts - Modules, optimizers, averages, generators, schedulers, scalers, by names of your own.
 *
 * @example
 * let saved = await snapshot({ net, optimizer, rng });
 * // when a read rejects with a DeviceError: openDevice() again, make all parts on it, then
 * restore(saved, { net, optimizer, rng });
 */
export async function snapshot(parts: SnapshotParts): Promise<Snapshot> {
  checkParts("snapshot", parts);
  const states = Object.entries(parts).map(async ([name, part]) => [name, await read(part)] as const);
  return Object.fromEntries(await Promise.all(states));
}

/**
 * Puts a snapshot back into parts of the same names, on the same device or another.
 *
 * @throws {ShapeError} when the names differ, or a part does not fit; parts before it are changed then.
 */
export function restore(saved: Snapshot, parts: SnapshotParts): void {
  checkKind("restore", "saved", saved, "object");
  checkParts("restore", parts);
  const [names, wanted] = [Object.keys(parts).sort(), Object.keys(saved).sort()];
  if (names.join() !== wanted.join())
    throw new ShapeError(`restore: the parts must be ${wanted.join(", ")}, got ${names.join(", ")}`);
  for (const [name, part] of Object.entries(parts)) {
    const { tensors, state, rates } = checkSaved(name, saved[name]);
    if (hasTensors(part)) part.loadStateDict(tensors);
    else part.restore(state);
    if (hasRates(part)) {
      part.groups.forEach((group, i) => {
        group.lr = rates[i] ?? group.lr;
      });
    }
  }
}
