/** Which storages of a recording can share memory: those that are never in use at the same time. */
import type { RecordedCommand } from "./dispatcher.js";
import type { Storage } from "./storage.js";

/** A block of memory and the storages that take turns in it. */
export interface MemoryBlock {
  readonly bytes: number;
  readonly storages: readonly Storage[];
}

/** The commands from the first to the last that use a storage, both included. */
interface Life {
  readonly storage: Storage;
  first: number;
  last: number;
}

function storagesOf(command: RecordedCommand): Storage[] {
  if (command.kind === "host") return [command.storage];
  if (command.kind === "copy") return [command.from, command.to];
  return Object.values(command.launch.buffers).map((bound) => ("storage" in bound ? bound.storage : bound));
}

function livesOf(
  commands: readonly RecordedCommand[],
  temporary: ReadonlySet<Storage>,
  results: ReadonlySet<Storage>,
): Life[] {
  const lives = new Map<Storage, Life>();
  commands.forEach((command, index) => {
    // What the host writes before all commands is in use from then on.
    const at = command.kind === "host" && command.early ? -1 : index;
    for (const storage of storagesOf(command)) {
      if (!temporary.has(storage)) continue;
      const life = lives.get(storage) ?? { storage, first: at, last: index };
      lives.set(storage, life);
      life.first = Math.min(life.first, at);
      life.last = Math.max(life.last, index);
    }
  });
  for (const storage of results) {
    const life = lives.get(storage) ?? { storage, first: 0, last: 0 };
    if (temporary.has(storage)) lives.set(storage, { ...life, last: commands.length });
  }
  return [...lives.values()];
}

/**
 * Shares memory out, the largest storages first, each to the first block where no other is in use meanwhile.
 *
 * @param temporary - The storages to place; those that no command uses are left out.
 * @param results - Those among them that must outlast all commands.
 * @see "greedy by size" in Pisarchyk & Lee 2020, Efficient memory management for deep neural net inference.
 */
export function planMemory(
  commands: readonly RecordedCommand[],
  temporary: ReadonlySet<Storage>,
  results: ReadonlySet<Storage>,
): MemoryBlock[] {
  const blocks: { bytes: number; lives: Life[] }[] = [];
  const bySize = livesOf(commands, temporary, results).sort((a, b) => b.storage.bytes - a.storage.bytes);
  for (const life of bySize) {
    const meets = (other: Life) => life.first <= other.last && other.first <= life.last;
    const block = blocks.find(({ lives }) => !lives.some(meets));
    if (block) block.lives.push(life);
    else blocks.push({ bytes: life.storage.bytes, lives: [life] });
  }
  return blocks.map(({ bytes, lives }) => ({ bytes, storages: lives.map(({ storage }) => storage) }));
}
