/** Checkpoints: all that a training is, as named tensors in one safetensors file, and how it is put back. */
import { type HostEntry, readSafetensors, readState, type StateEntry, writeSafetensors } from "../index.js";
import { CheckpointError } from "./errors.js";
import type { Position, Training } from "./training.js";

/** What the file says about itself. */
export interface CheckpointHeader {
  readonly format: "voxpix-checkpoint-1";
  readonly position: Position;
  /** Index of the fold that is being trained; folds before it are finished. */
  readonly fold: number;
}

/** A checkpoint in memory. */
export interface Checkpoint {
  readonly header: CheckpointHeader;
  readonly entries: ReadonlyMap<string, HostEntry>;
}

const FORMAT: CheckpointHeader["format"] = "voxpix-checkpoint-1";

/** Why a file with another format is refused. */
function otherFormat(format: unknown): string {
  return typeof format === "string" && format.startsWith("voxpix-checkpoint-")
    ? `it is ${format}, of another version of voxpix; this one reads ${FORMAT}`
    : "it is no voxpix checkpoint";
}

const parts = ["encoder", "decoder", "encoderOptimizer", "decoderOptimizer"] as const;

/** Reads a training back from the GPU: both networks and both optimizers. */
export async function trainingEntries(training: Training): Promise<Map<string, HostEntry>> {
  const entries = new Map<string, HostEntry>();
  for (const part of parts) {
    for (const [name, entry] of await readState(training[part].stateDict())) entries.set(`${part}.${name}`, entry);
  }
  return entries;
}

/** The entries under a prefix, without it. */
export function entriesUnder<T extends StateEntry>(entries: ReadonlyMap<string, T>, prefix: string): Map<string, T> {
  return new Map(
    [...entries]
      .filter(([name]) => name.startsWith(`${prefix}.`))
      .map(([name, entry]) => [name.slice(prefix.length + 1), entry]),
  );
}

/**
 * Puts a training back where the checkpoint was written.
 *
 * @throws {CheckpointError} when the checkpoint is of another configuration; nothing is changed then.
 */
export function restoreTraining(training: Training, checkpoint: Checkpoint): void {
  try {
    for (const part of parts) training[part].loadStateDict(entriesUnder(checkpoint.entries, part));
  } catch (error) {
    throw new CheckpointError(
      `the checkpoint does not fit this configuration: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  training.position = checkpoint.header.position;
}

/** The file's bytes. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  return writeSafetensors(checkpoint.entries, { voxpix: JSON.stringify(checkpoint.header) });
}

/**
 * Parses a checkpoint.
 *
 * @param file - Its name, for errors.
 * @throws {CheckpointError} when it is damaged or was written by something else.
 */
export function decodeCheckpoint(bytes: Uint8Array, file: string): Checkpoint {
  try {
    const { tensors, metadata } = readSafetensors(bytes);
    const header = JSON.parse(metadata["voxpix"] ?? "null") as CheckpointHeader | null;
    if (header?.format !== FORMAT) throw new Error(otherFormat(header?.format));
    return { header, entries: tensors };
  } catch (error) {
    throw new CheckpointError(
      `${file} cannot be used: ${error instanceof Error ? error.message : String(error)}; train again, or give another checkpoint`,
    );
  }
}
