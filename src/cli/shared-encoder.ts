/** Encoders that the runs of a study share: the first phase does not depend on the variant, so one training of it serves them all. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type HostEntry, readSafetensors, writeSafetensors } from "../index.js";
import { type Checkpoint, entriesUnder } from "../model/checkpoint.js";
import type { Training } from "../model/training.js";
import { writeWhole } from "../report/write-whole.js";
import { makeFolder } from "./make-folder.js";
import type { RunConfig } from "./options.js";
import type { Unit } from "./units.js";

/** The Encoder of a finished first phase: groups of targets in one fold share it, since no test fMRI is in it. */
export interface TrainedEncoder {
  readonly fold: number;
  readonly entries: ReadonlyMap<string, HostEntry>;
}

/** Where a study keeps its Encoders, by all that their bits depend on. */
export interface EncoderStore {
  /** @returns `null` where no run has trained it yet. */
  load(fold: number): TrainedEncoder | null;
  /** Keeps an Encoder, unless it is there. */
  save(encoder: TrainedEncoder): Promise<void>;
}

/** The settings that the first phase's result depends on. Decoder epochs are among them: batch norm's momentum goes by them. */
function encoderSettings(config: RunConfig): Omit<RunConfig, SecondPhase> {
  const { variant: _v, lossWeights: _w, decoderChannels: _c, targetGroups: _g, ...rest } = config;
  return rest;
}

type SecondPhase = "variant" | "lossWeights" | "decoderChannels" | "targetGroups";

/**
 * The store in a folder. Two processes that need one Encoder at once may both train it; they write the same bits.
 *
 * @param adapter - Its name: bits repeat on one adapter only.
 */
export function encoderStore(folder: string, config: RunConfig, adapter: string): EncoderStore {
  const settings = JSON.stringify([adapter, Object.entries(encoderSettings(config)).sort()]);
  const name = createHash("sha256").update(settings).digest("hex").slice(0, 16);
  const fileOf = (fold: number) => join(folder, `${name}-fold${fold}.safetensors`);
  return {
    load(fold) {
      const file = fileOf(fold);
      return existsSync(file) ? { fold, entries: readSafetensors(readFileSync(file)).tensors } : null;
    },
    async save({ fold, entries }) {
      if (existsSync(fileOf(fold))) return;
      makeFolder(folder, "--out");
      await writeWhole(fileOf(fold), writeSafetensors(entries, {}));
    },
  };
}

/** The Encoder in a checkpoint of a run that is in its second phase, or past it. */
export function encoderInCheckpoint(checkpoint: Checkpoint | null, units: readonly Unit[]): TrainedEncoder | null {
  const unit = checkpoint ? units[checkpoint.header.fold] : undefined;
  if (!checkpoint || !unit || checkpoint.header.position.phase === "encoder") return null;
  return { fold: unit.fold, entries: entriesUnder(checkpoint.entries, "encoder") };
}

/** Puts a training where its first phase ends. */
export function startFromEncoder(training: Training, { entries }: TrainedEncoder): void {
  training.encoder.loadStateDict(entries);
  training.position = { phase: "decoder", epoch: 0, step: 0 };
}
