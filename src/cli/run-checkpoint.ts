/** The checkpoint in a run folder: read, gone on from, or missing. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import type { ImageSet } from "../data/dataset.js";
import { type Checkpoint, decodeCheckpoint } from "../model/checkpoint.js";
import { CheckpointError } from "../model/errors.js";
import type { RunFolder } from "./run-folder.js";

/** What a checkpoint holds of finished units. */
export function finishedUnits(checkpoint: Checkpoint): Map<string, ImageSet> {
  const finished = new Map<string, ImageSet>();
  for (const [name, { shape, values }] of checkpoint.entries) {
    if (!/^(reconstructions|predictions)\./.test(name)) continue;
    const [count = 0, height = 0, width = 0, channels = 0] = shape;
    finished.set(name, { count, height, width, channels, pixels: Float32Array.from(values) });
  }
  return finished;
}

/** Why a run has no checkpoint, and what can be done. */
function missing(folder: RunFolder): CheckpointError {
  const why = existsSync(folder.file("metrics"))
    ? "the run is finished, and its checkpoint was deleted, as ablate does without --keep-checkpoints"
    : `the run was stopped before its first checkpoint; --resume ${folder.path} begins it again`;
  return new CheckpointError(`${folder.file("checkpoint")} is missing: ${why}`);
}

/**
 * The checkpoint of a run.
 *
 * @throws {CheckpointError} when there is none, or it cannot be used.
 */
export function readCheckpoint(folder: RunFolder): Checkpoint {
  const file = folder.file("checkpoint");
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    throw missing(folder);
  }
  return decodeCheckpoint(bytes, file);
}

/**
 * The checkpoint to go on from; `null` where the run was stopped before its first: it begins again, with the same bits.
 *
 * @throws {CheckpointError} when the run is finished and has none, or it cannot be used.
 */
export function checkpointToResume(folder: RunFolder, say: (line: string) => void): Checkpoint | null {
  if (existsSync(folder.file("checkpoint")) || existsSync(folder.file("metrics"))) return readCheckpoint(folder);
  say("stopped before its first checkpoint: it begins again");
  rmSync(folder.file("log"), { force: true });
  return null;
}
