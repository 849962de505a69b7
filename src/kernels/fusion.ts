/** Fusion: neighbouring elementwise commands of a recording become one kernel, and what nobody reads is left out. */
import type { DispatchCommand, RecordedCommand } from "./dispatcher.js";
import type { ElementwiseInput } from "./elementwise.js";
import { bufferOf, fusedDispatch, type Member } from "./fused.js";
import type { Storage } from "./storage.js";

/** What fusion must know of the recording. */
export interface FusionContext {
  /** False for memory from outside and for results: it must be written. */
  isTemporary(storage: Storage): boolean;
  /** Storages that one kernel may bind. */
  readonly maxBuffers: number;
}

/** Storages that a command reads and writes; a binding of a kernel that may be written counts as both. */
function accesses(command: RecordedCommand): { reads: Storage[]; writes: Storage[] } {
  if (command.kind === "host") return { reads: [], writes: [command.storage] };
  if (command.kind === "copy") return { reads: [command.from], writes: [command.to] };
  const formula = command.launch.formula;
  if (formula) return { reads: formula.inputs.map(({ storage }) => storage), writes: [formula.output] };
  const bound = Object.entries(command.source.buffers).map(([name, { access }]) => ({
    storage: bufferOf(command.launch.buffers[name]),
    written: access === "read_write",
  }));
  return {
    reads: bound.map(({ storage }) => storage),
    writes: bound.filter(({ written }) => written).map(({ storage }) => storage),
  };
}

/** The commands without those that only write what nobody reads after them. */
export function withoutDead(commands: readonly RecordedCommand[], context: FusionContext): RecordedCommand[] {
  const wanted = new Set<Storage>();
  const kept: RecordedCommand[] = [];
  for (const command of [...commands].reverse()) {
    const { reads, writes } = accesses(command);
    if (!writes.some((storage) => wanted.has(storage) || !context.isTemporary(storage))) continue;
    for (const storage of reads) wanted.add(storage);
    kept.push(command);
  }
  return kept.reverse();
}

/** Elementwise commands that wait to be dispatched together. */
class Group {
  readonly members: Member[] = [];
  readonly reads = new Set<Storage>();
  readonly writes = new Set<Storage>();
  readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  add(member: Member): void {
    this.members.push(member);
    for (const { storage } of member.formula.inputs) if (!this.writes.has(storage)) this.reads.add(storage);
    this.writes.add(member.formula.output);
  }

  /** How often its own members read a storage. */
  readsOf(storage: Storage): number {
    return this.members.flatMap(({ formula }) => formula.inputs).filter((input) => input.storage === storage).length;
  }
}

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** A kernel with more formulas than this takes longer to compile than it saves. */
const mostMembers = 24;

class Fuser {
  readonly output: RecordedCommand[] = [];
  readonly #context: FusionContext;
  /** How often any command reads a storage. */
  readonly #reads = new Map<Storage, number>();
  #open: Group[] = [];
  /** Where in `output` the commands are that can do more with what they write, by what they write. */
  readonly #extensible = new Map<Storage, number>();
  /** Storages that commands have used so far. */
  readonly #used = new Set<Storage>();

  constructor(commands: readonly RecordedCommand[], context: FusionContext) {
    this.#context = context;
    for (const command of commands) {
      for (const storage of accesses(command).reads) this.#reads.set(storage, (this.#reads.get(storage) ?? 0) + 1);
    }
  }

  add(command: RecordedCommand): void {
    const { reads, writes } = accesses(command);
    if (command.kind === "dispatch" && command.launch.formula) {
      const member = { command, formula: command.launch.formula };
      if (!this.#extend(member)) this.#addFormula(member);
    } else this.#addOther(command, reads, writes);
    for (const storage of [...reads, ...writes]) this.#used.add(storage);
  }

  #addOther(command: RecordedCommand, reads: readonly Storage[], writes: readonly Storage[]): void {
    this.#flush(
      (group) =>
        reads.some((storage) => this.#holds(group.writes, storage)) ||
        writes.some((storage) => this.#holds(group.reads, storage) || this.#holds(group.writes, storage)),
    );
    if (command.kind === "dispatch" && command.launch.epilogue)
      this.#extensible.set(bufferOf(command.launch.buffers["output"]), this.output.length);
    this.output.push(command);
  }

  /** Lets the command whose result only `member` reads compute its formula too, if it can. */
  #extend({ formula: { expression, inputs, output, shape } }: Member): boolean {
    const [input, ...others] = inputs;
    const at = input && this.#extensible.get(input.storage);
    // What a kernel may write counts as read by it, too.
    if (!input || at === undefined || others.length > 0 || this.#reads.get(input.storage) !== 2) return false;
    const command = this.output[at];
    if (command?.kind !== "dispatch") return false;
    const { epilogue, ...launch } = command.launch;
    if (epilogue?.expression !== expression || input.view || sizeOf(input.shape) !== sizeOf(shape)) return false;
    // The result is written earlier than it was: nobody may have used its memory before.
    const { isTemporary } = this.#context;
    if (!isTemporary(input.storage) || !isTemporary(output) || this.#used.has(output)) return false;
    const dims = { ...launch.dims, ...epilogue.dims };
    this.output[at] = { ...command, launch: { ...launch, dims, buffers: { ...launch.buffers, output } } };
    return true;
  }

  finish(): RecordedCommand[] {
    this.#flush(() => true);
    return this.output;
  }

  #addFormula(member: Member): void {
    const { inputs, output, shape } = member.formula;
    const size = sizeOf(shape);
    const feeds = (group: Group) => inputs.some(({ storage }) => group.writes.has(storage));
    // What it reads broadcast must be complete before it; so must what is read or written where it writes.
    this.#flush(
      (group) =>
        (feeds(group) && (group.size !== size || !inputs.every((input) => this.#inPlace(input, group)))) ||
        inputs.some(({ storage }) => !group.writes.has(storage) && this.#holds(group.writes, storage)) ||
        this.#holds(group.reads, output) ||
        this.#holds(group.writes, output),
    );
    const feeding = this.#open.filter(feeds);
    const sharing = this.#open.filter((group) => group.size === size && (size === 1 || this.#shares(group, inputs)));
    let target = this.#fit(feeding, member);
    if (!target && feeding.length > 0) {
      this.#flush((group) => feeding.includes(group) && group !== feeding.at(-1));
      target = this.#fit(feeding.slice(-1), member);
      if (!target) this.#flush(feeds);
    }
    if (feeding.length === 0) target = sharing.find((group) => this.#fit([group], member)) ?? null;
    if (!target) {
      target = new Group(size);
      this.#open.push(target);
    }
    target.add(member);
  }

  /** Whether a storage is among these, or shares an application's buffer with one: several tensors may lie in one. */
  #holds(storages: ReadonlySet<Storage>, storage: Storage): boolean {
    if (storages.has(storage)) return true;
    const { isTemporary } = this.#context;
    return (
      !isTemporary(storage) && [...storages].some((other) => other.buffer === storage.buffer && !isTemporary(other))
    );
  }

  /** Whether an input that the group makes is read at the place where it is written. */
  #inPlace({ storage, shape, view }: ElementwiseInput, group: Group): boolean {
    return !group.writes.has(storage) || (!view && sizeOf(shape) === group.size);
  }

  #shares(group: Group, inputs: readonly ElementwiseInput[]): boolean {
    return inputs.some(({ storage, shape }) => sizeOf(shape) === group.size && group.reads.has(storage));
  }

  /** The groups as one that `member` can join, which stands in the place of the last; `null` when it would be too large. */
  #fit(groups: readonly Group[], member: Member): Group | null {
    const [first, ...others] = groups;
    if (!first) return null;
    const joined = new Group(first.size);
    for (const each of [...groups.flatMap(({ members }) => members), member]) joined.add(each);
    if (joined.members.length > mostMembers || this.#buffers(joined) > this.#context.maxBuffers) return null;
    if (others.length === 0) return first;
    const merged = new Group(first.size);
    for (const each of groups.flatMap(({ members }) => members)) merged.add(each);
    this.#open = [...this.#open.filter((group) => !groups.includes(group)), merged];
    return merged;
  }

  #isStored(group: Group, storage: Storage): boolean {
    return !this.#context.isTemporary(storage) || (this.#reads.get(storage) ?? 0) > group.readsOf(storage);
  }

  #buffers(group: Group): number {
    return group.reads.size + [...group.writes].filter((storage) => this.#isStored(group, storage)).length;
  }

  #flush(which: (group: Group) => boolean): void {
    const ready = this.#open.filter(which);
    this.#open = this.#open.filter((group) => !ready.includes(group));
    for (const group of ready) this.output.push(this.#dispatch(group));
  }

  #dispatch(group: Group): DispatchCommand {
    const [only, ...others] = group.members;
    if (only && others.length === 0) return only.command;
    return fusedDispatch(group.members, (storage) => this.#isStored(group, storage));
  }
}

/**
 * Puts elementwise commands that read one another's results, or the same input, into one kernel each, dispatched when the
 * first other command needs one of its results. Results that only the kernel itself reads are never stored.
 */
export function fuse(commands: readonly RecordedCommand[], context: FusionContext): RecordedCommand[] {
  const live = withoutDead(commands, context);
  const fuser = new Fuser(live, context);
  for (const command of live) fuser.add(command);
  return fuser.finish();
}
