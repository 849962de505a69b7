/** A training run from data to run folder, once for each fold and group of targets, stoppable and resumable at any step. */
import pc from "picocolors";
import type { Dataset, ImageSet, RawDataset, Split } from "../data/dataset.js";
import { selectRows } from "../data/dataset.js";
import type { FeatureWeights } from "../data/feature-weights.js";
import { type Device, openDevice } from "../index.js";
import {
  type Checkpoint,
  encodeCheckpoint,
  entriesUnder,
  restoreTraining,
  trainingEntries,
} from "../model/checkpoint.js";
import { trainingConfig } from "../model/config.js";
import type { Decoder } from "../model/decoder.js";
import { CheckpointError } from "../model/errors.js";
import { predictFmri } from "../model/predict-fmri.js";
import { reconstruct } from "../model/reconstruct.js";
import { Training } from "../model/training.js";
import { StoppedError } from "./errors.js";
import type { RunConfig } from "./options.js";
import type { OtherFolder } from "./others.js";
import { makeProgress, type Progress } from "./progress.js";
import { featureNotice, readInputs } from "./recordings.js";
import { type FoldImages, foldImages, type MethodResult } from "./results.js";
import { checkpointToResume, finishedUnits, readCheckpoint } from "./run-checkpoint.js";
import { RunFolder } from "./run-folder.js";
import { finishRun } from "./run-outputs.js";
import {
  type EncoderStore,
  encoderInCheckpoint,
  encoderStore,
  startFromEncoder,
  type TrainedEncoder,
} from "./shared-encoder.js";
import { type StopSwitch, stopOnSignals } from "./signals.js";
import {
  checkOfRun,
  foldDataset,
  joinUnits,
  matrixAsImages,
  placeOf,
  trainingDataset,
  type Unit,
  unitsOf,
} from "./units.js";

/** What to run and where to put it. */
export interface RunRequest {
  readonly config: RunConfig;
  /** Makes or opens the run folder; called once data and device are there. */
  readonly folder: () => Promise<RunFolder>;
  readonly resume: boolean;
  readonly json: boolean;
  /** Folders of other people's reconstructions to score beside the run's. */
  readonly others?: readonly OtherFolder[];
  /** Folder of Encoders that this run may take from others, and leaves for them. */
  readonly encoders?: string;
}

/** Seconds between checkpoints while training goes on. */
const checkpointSeconds = 60;

interface Run extends Omit<RunRequest, "folder" | "encoders"> {
  readonly device: Device;
  readonly raw: RawDataset;
  readonly weights: FeatureWeights;
  readonly folder: RunFolder;
  readonly stop: StopSwitch;
  readonly progress: Progress;
  readonly say: (line: string) => void;
  readonly checkpoint: Checkpoint | null;
  readonly store: EncoderStore | null;
  /** What finished units made, by name, for the checkpoint: images, and the Encoder's predictions as images of one pixel. */
  readonly finished: Map<string, ImageSet>;
}

/** The device of a command. VOXPIX_ADAPTER=swiftshader takes the bundled driver. */
export function openCommandDevice(): Promise<Device> {
  return openDevice(process.env["VOXPIX_ADAPTER"] === "swiftshader" ? { adapter: "swiftshader" } : {});
}

const imagesOf = (unit: number) => `reconstructions.${unit}`;
const predictionsOf = (fold: number) => `predictions.${fold}`;

async function saveCheckpoint(run: Run, training: Training, unit: number): Promise<void> {
  const entries = await trainingEntries(training);
  for (const [name, { count, height, width, channels, pixels }] of run.finished) {
    entries.set(name, { dtype: "f32", shape: [count, height, width, channels], values: Float32Array.from(pixels) });
  }
  const header = { format: "voxpix-checkpoint-1", position: training.position, fold: unit } as const;
  await run.folder.writeBytes("checkpoint", encodeCheckpoint({ header, entries }));
}

async function trainUnit(run: Run, training: Training, unit: number): Promise<void> {
  let saved = performance.now();
  for await (const report of training.run(run.stop.requested)) {
    run.progress.epoch(report);
    const { secondsLeft: _left, ...logged } = report;
    run.folder.log({ event: "epoch", fold: unit, ...logged });
    if (performance.now() - saved > 1000 * checkpointSeconds) {
      await saveCheckpoint(run, training, unit);
      saved = performance.now();
    }
  }
  run.progress.stop();
  await saveCheckpoint(run, training, unit);
  if (!run.stop.requested() || training.position.phase === "done") return;
  run.folder.log({ event: "stopped", fold: unit, position: training.position });
  throw new StoppedError(
    `stopped; the checkpoint is written. Go on with --resume ${run.folder.path}`,
    run.stop.exitCode(),
  );
}

function newTraining(run: Pick<Run, "device" | "weights" | "config">, dataset: Dataset): Training {
  return new Training({
    device: run.device,
    dataset,
    weights: run.weights,
    config: trainingConfig(run.config),
  });
}

/** Trains one unit and keeps what it made. @returns its Encoder. */
async function runUnit(
  run: Run,
  { unit, index, dataset }: { unit: Unit; index: number; dataset: Dataset },
  encoder: TrainedEncoder | null,
): Promise<TrainedEncoder> {
  const training = newTraining(run, trainingDataset(run.config, dataset, unit));
  if (run.checkpoint?.header.fold === index) restoreTraining(training, run.checkpoint);
  else {
    const trained = encoder?.fold === unit.fold ? encoder : (run.store?.load(unit.fold) ?? null);
    if (trained) startFromEncoder(training, trained);
    if (trained && trained !== encoder) run.folder.log({ event: "shared encoder", fold: index });
  }
  await trainUnit(run, training, index);
  const fmri = selectRows(dataset.test.fmri, unit.targets);
  run.finished.set(imagesOf(index), await reconstruct(run.device, training.decoder, fmri));
  if (run.config.encoderEpochs > 0 && !run.finished.has(predictionsOf(unit.fold))) {
    const predicted = await predictFmri(run.device, training.encoder, dataset.test.images);
    run.finished.set(predictionsOf(unit.fold), matrixAsImages(predicted));
  }
  await saveCheckpoint(run, training, index);
  const trained = { fold: unit.fold, entries: entriesUnder(await trainingEntries(training), "encoder") };
  training.dispose();
  await run.store?.save(trained);
  return trained;
}

/** The images of every fold whose units are all finished. */
function finishedFolds(
  { config, raw, finished }: Pick<Run, "config" | "raw" | "finished">,
  units: readonly Unit[],
): FoldImages[] {
  const folds = [...new Set(units.map(({ fold }) => fold))];
  return folds.flatMap((fold) => {
    const parts = units.flatMap((unit, i) => {
      const images = finished.get(imagesOf(i));
      return unit.fold === fold ? [{ unit, targets: unit.targets, images }] : [];
    });
    const made = parts.flatMap(({ targets, images }) => (images ? [{ targets, images }] : []));
    const split = parts[0]?.unit.split;
    if (!split || made.length < parts.length) return [];
    const { dataset, voxelIndices } = foldDataset(config, raw, split);
    const predictions = finished.get(predictionsOf(fold)) ?? null;
    for (const { targets, images } of made) checkOfRun(images, { ...dataset.test.images, count: targets.length });
    const { rows, columns } = dataset.test.fmri;
    if (predictions) checkOfRun(predictions, { count: rows, height: 1, width: 1, channels: columns });
    return [foldImages({ dataset, voxelIndices, test: split.test, reconstructed: joinUnits(made), predictions })];
  });
}

/** Trains every unit that is not finished. */
async function runUnits(run: Run): Promise<FoldImages[]> {
  const units = unitsOf(run.config, run.raw);
  let encoder = encoderInCheckpoint(run.checkpoint, units);
  let prepared = null as { fold: number; dataset: Dataset } | null;
  for (const [index, unit] of units.entries()) {
    if (run.finished.has(imagesOf(index))) continue;
    const place = placeOf(units, index);
    if (place !== "") run.say(place);
    if (prepared?.fold !== unit.fold) {
      prepared = { fold: unit.fold, dataset: foldDataset(run.config, run.raw, unit.split).dataset };
      if (index === 0) for (const note of prepared.dataset.notes) run.say(pc.dim(note));
    }
    encoder = await runUnit(run, { unit, index, dataset: prepared.dataset }, encoder);
  }
  return finishedFolds(run, units);
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
  // What is wrong with the split or the repeats is said before anything is written.
  for (const { split } of unitsOf(config, raw).slice(0, 1)) foldDataset(config, raw, split);
  const device = await openCommandDevice();
  say(`${pc.bold("voxpix")} ${config.dataset}, ${config.variant}, preset ${config.preset}, seed ${config.seed}`);
  say(`device: ${device.adapter.name}${device.adapter.software ? " (software; `voxpix doctor` tells more)" : ""}`);
  say(featureNotice(weights));
  const folder = await request.folder();
  const stop = stopOnSignals();
  try {
    const checkpoint = request.resume ? checkpointToResume(folder, say) : null;
    const finished = checkpoint ? finishedUnits(checkpoint) : new Map<string, ImageSet>();
    const progress = makeProgress(json);
    // A run without a first phase has no Encoder to share.
    const { encoders } = config.encoderEpochs === 0 ? { encoders: undefined } : request;
    const store = encoders === undefined ? null : encoderStore(encoders, config, device.adapter.name);
    const run: Run = { ...request, device, raw, weights, folder, stop, say, finished, checkpoint, progress, store };
    folder.log({
      event: checkpoint ? "resumed" : "started",
      time: new Date().toISOString(),
      adapter: device.adapter.name,
    });
    const folds = await runUnits(run);
    return await finishRun({ ...run, seconds: (performance.now() - start) / 1000 }, folds);
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
  /** Which columns of the recordings the Decoder takes. */
  readonly voxelIndices: readonly number[];
}

/**
 * Opens a run's Decoder as its checkpoint has it. With folds or groups of targets, the one that was trained last.
 *
 * @throws {CheckpointError} when there is no usable checkpoint.
 */
export async function openTrained(path: string, config: RunConfig): Promise<Trained> {
  const checkpoint = readCheckpoint(new RunFolder(path));
  const { raw, weights } = await readInputs(config);
  const split = unitsOf(config, raw)[checkpoint.header.fold]?.split ?? raw.split;
  const { dataset, voxelIndices } = foldDataset(config, raw, split);
  const device = await openCommandDevice();
  const training = newTraining({ device, weights, config }, dataset);
  restoreTraining(training, checkpoint);
  return { device, decoder: training.decoder, raw, split, voxelIndices };
}

/** Scores a run again from its checkpoint, and writes its outputs anew. */
export async function evaluateRun(request: RunRequest): Promise<MethodResult[]> {
  const { config } = request;
  const start = performance.now();
  const folder = await request.folder();
  const finished = finishedUnits(readCheckpoint(folder));
  const { raw, weights } = await readInputs(config);
  const folds = finishedFolds({ config, raw, finished }, unitsOf(config, raw));
  if (folds.length === 0)
    throw new CheckpointError(
      `${folder.path}: no fold is finished, there is nothing to score; go on with --resume ${folder.path}`,
    );
  const device = await openCommandDevice();
  try {
    return await finishRun(
      { ...request, device, raw, weights, folder, seconds: (performance.now() - start) / 1000 },
      folds,
    );
  } finally {
    device.destroy();
  }
}
