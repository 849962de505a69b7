/** A training run from data to run folder, once for each fold, stoppable and resumable at any step. */
import { readFileSync } from "node:fs";
import pc from "picocolors";
import type { Dataset, ImageSet, RawDataset, Split } from "../data/dataset.js";
import type { FeatureWeights } from "../data/feature-weights.js";
import { kFold } from "../data/folds.js";
import { normalise } from "../data/normalise.js";
import { type Device, openDevice } from "../index.js";
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  restoreTraining,
  trainingEntries,
} from "../model/checkpoint.js";
import { trainingConfig } from "../model/config.js";
import type { Decoder } from "../model/decoder.js";
import { CheckpointError } from "../model/errors.js";
import { reconstruct } from "../model/reconstruct.js";
import { Training } from "../model/training.js";
import { StoppedError } from "./errors.js";
import type { RunConfig } from "./options.js";
import { formatSeconds, makeProgress, type Progress } from "./progress.js";
import { featureNotice, readInputs } from "./recordings.js";
import { type FoldImages, foldImages, type MethodResult, resultTable, scoreFolds, writeFigure } from "./results.js";
import { RunFolder } from "./run-folder.js";
import { type StopSwitch, stopOnSignals } from "./signals.js";

/** What to run and where to put it. */
export interface RunRequest {
  readonly config: RunConfig;
  /** Makes or opens the run folder; called once data and device are there. */
  readonly folder: () => Promise<RunFolder>;
  readonly resume: boolean;
  readonly json: boolean;
}

/** Seconds between checkpoints while training goes on. */
const checkpointSeconds = 60;

interface Run extends Omit<RunRequest, "folder"> {
  readonly device: Device;
  readonly raw: RawDataset;
  readonly weights: FeatureWeights;
  readonly folder: RunFolder;
  readonly stop: StopSwitch;
  readonly progress: Progress;
  readonly say: (line: string) => void;
  /** Reconstructions of finished folds, for the checkpoint. */
  readonly finished: Map<string, ImageSet>;
}

/** The splits of a run: the dataset's own, or k folds over all its images. */
export function splitsOf(config: RunConfig, raw: RawDataset): readonly Split[] {
  return config.folds === 0 ? [raw.split] : kFold(raw, config.folds, config.seed);
}

/** The device of a command. VOXPIX_ADAPTER=swiftshader takes the bundled driver. */
export function openCommandDevice(): Promise<Device> {
  return openDevice(process.env["VOXPIX_ADAPTER"] === "swiftshader" ? { adapter: "swiftshader" } : {});
}

const foldName = (fold: number) => `reconstructions.${fold}`;

async function saveCheckpoint(run: Run, training: Training, fold: number): Promise<void> {
  const entries = await trainingEntries(training);
  for (const [name, { count, height, width, channels, pixels }] of run.finished) {
    entries.set(name, { dtype: "f32", shape: [count, height, width, channels], values: Float32Array.from(pixels) });
  }
  const header = { format: "voxpix-checkpoint-1", position: training.position, fold } as const;
  await run.folder.writeBytes("checkpoint", encodeCheckpoint({ header, entries }));
}

/** The images that a checkpoint holds of finished folds. */
export function finishedFolds(checkpoint: Checkpoint): Map<string, ImageSet> {
  const finished = new Map<string, ImageSet>();
  for (const [name, { shape, values }] of checkpoint.entries) {
    if (!name.startsWith("reconstructions.")) continue;
    const [count = 0, height = 0, width = 0, channels = 0] = shape;
    finished.set(name, { count, height, width, channels, pixels: Float32Array.from(values) });
  }
  return finished;
}

async function trainFold(run: Run, training: Training, fold: number): Promise<void> {
  let saved = performance.now();
  for await (const report of training.run(run.stop.requested)) {
    run.progress.epoch(report);
    const { secondsLeft: _left, ...logged } = report;
    run.folder.log({ event: "epoch", fold, ...logged });
    if (performance.now() - saved > 1000 * checkpointSeconds) {
      await saveCheckpoint(run, training, fold);
      saved = performance.now();
    }
  }
  run.progress.stop();
  await saveCheckpoint(run, training, fold);
  if (!run.stop.requested() || training.position.phase === "done") return;
  run.folder.log({ event: "stopped", fold, position: training.position });
  throw new StoppedError(
    `stopped; the checkpoint is written. Go on with --resume ${run.folder.path}`,
    run.stop.exitCode(),
  );
}

/** Trains one fold, or takes its images from the checkpoint when it was finished before. */
async function runFold(run: Run, split: Split, fold: number, checkpoint: Checkpoint | null): Promise<FoldImages> {
  const dataset: Dataset = normalise(run.raw, split).dataset;
  const known = run.finished.get(foldName(fold));
  if (known) return foldImages(dataset, split.test, known);
  if (fold === 0) for (const note of dataset.notes) run.say(pc.dim(note));
  const training = new Training({
    device: run.device,
    dataset,
    weights: run.weights,
    config: trainingConfig(run.config),
  });
  if (checkpoint && checkpoint.header.fold === fold) restoreTraining(training, checkpoint);
  await trainFold(run, training, fold);
  const images = await reconstruct(run.device, training.decoder, dataset.test.fmri);
  if (run.config.folds > 0) run.finished.set(foldName(fold), images);
  await saveCheckpoint(run, training, fold);
  training.dispose();
  return foldImages(dataset, split.test, images);
}

function readCheckpoint(folder: RunFolder): Checkpoint {
  const file = folder.file("checkpoint");
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    throw new CheckpointError(
      `${file} is missing: the run was stopped before its first checkpoint; start it again with --config ${folder.file("config")} --out FOLDER`,
    );
  }
  return decodeCheckpoint(bytes, file);
}

/** Writes metrics and figure, and prints the table. */
async function finishRun(
  run: Pick<Run, "config" | "json" | "device" | "folder">,
  folds: readonly FoldImages[],
  seconds: number,
): Promise<MethodResult[]> {
  const results = scoreFolds(folds, run.config.seed);
  const { adapter } = run.device;
  const metrics = { config: run.config, adapter: adapter.name, software: adapter.software, seconds, results };
  await run.folder.writeJson("metrics", metrics);
  await writeFigure(run.folder.file("reconstructions"), folds, results);
  run.folder.log({ event: "done", seconds });
  if (run.json) process.stdout.write(`${JSON.stringify({ folder: run.folder.path, ...metrics })}\n`);
  else
    process.stdout.write(`\n${resultTable(results)}\n\nRun folder: ${run.folder.path}  (${formatSeconds(seconds)})\n`);
  return results;
}

/**
 * Carries out a run.
 *
 * @throws {StoppedError} when a signal stopped it, after its checkpoint was written.
 */
export async function runTraining(request: RunRequest): Promise<MethodResult[]> {
  const { config, json } = request;
  const start = performance.now();
  const say = (line: string) => {
    if (!json) process.stderr.write(`${line}\n`);
  };
  const { raw, weights } = await readInputs(config);
  const splits = splitsOf(config, raw);
  const device = await openCommandDevice();
  say(`${pc.bold("voxpix")} ${config.dataset}, ${config.variant}, preset ${config.preset}, seed ${config.seed}`);
  say(`device: ${device.adapter.name}${device.adapter.software ? " (software; `voxpix doctor` tells more)" : ""}`);
  say(featureNotice(weights));
  const folder = await request.folder();
  const stop = stopOnSignals();
  try {
    const checkpoint = request.resume ? readCheckpoint(folder) : null;
    const finished = checkpoint ? finishedFolds(checkpoint) : new Map<string, ImageSet>();
    const run: Run = { ...request, device, raw, weights, folder, stop, say, finished, progress: makeProgress(json) };
    folder.log({
      event: request.resume ? "resumed" : "started",
      time: new Date().toISOString(),
      adapter: device.adapter.name,
    });
    const folds: FoldImages[] = [];
    for (const [fold, split] of splits.entries()) {
      if (splits.length > 1) say(`fold ${fold + 1} of ${splits.length}`);
      folds.push(await runFold(run, split, fold, checkpoint));
    }
    return await finishRun(run, folds, (performance.now() - start) / 1000);
  } finally {
    stop.release();
    device.destroy();
  }
}

/** A finished (or stopped) run on a device, ready to reconstruct. */
export interface Trained {
  readonly device: Device;
  readonly decoder: Decoder;
  readonly raw: RawDataset;
  readonly split: Split;
  readonly dataset: Dataset;
}

/**
 * Opens a run's Decoder as its checkpoint has it. With folds, the one of the fold that was trained last.
 *
 * @throws {CheckpointError} when there is no usable checkpoint.
 */
export async function openTrained(path: string, config: RunConfig): Promise<Trained> {
  const checkpoint = readCheckpoint(new RunFolder(path));
  const { raw, weights } = await readInputs(config);
  const split = splitsOf(config, raw)[checkpoint.header.fold] ?? raw.split;
  const { dataset } = normalise(raw, split);
  const device = await openCommandDevice();
  const training = new Training({ device, dataset, weights, config: trainingConfig(config) });
  restoreTraining(training, checkpoint);
  return { device, decoder: training.decoder, raw, split, dataset };
}

/** Scores a run again from its checkpoint, and writes metrics and figure anew. */
export async function evaluateRun(request: RunRequest): Promise<MethodResult[]> {
  const { config, json } = request;
  const start = performance.now();
  const folder = await request.folder();
  const finished = finishedFolds(readCheckpoint(folder));
  const trained = await openTrained(folder.path, config);
  const { device, raw } = trained;
  try {
    const splits = splitsOf(config, raw);
    const folds: FoldImages[] = [];
    for (const [fold, split] of splits.entries()) {
      const known = finished.get(foldName(fold));
      if (config.folds > 0 && !known) continue;
      const dataset = known ? normalise(raw, split).dataset : trained.dataset;
      folds.push(
        foldImages(dataset, split.test, known ?? (await reconstruct(device, trained.decoder, dataset.test.fmri))),
      );
    }
    if (folds.length === 0)
      throw new CheckpointError(`${folder.path}: no fold is finished; go on with --resume ${folder.path}`);
    return await finishRun({ config, json, device, folder }, folds, (performance.now() - start) / 1000);
  } finally {
    device.destroy();
  }
}
