/** One run of a study: done once, whoever is asked to do it and however often. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { CheckpointError } from "../model/errors.js";
import { StoppedError } from "./errors.js";
import { takeLock } from "./job-lock.js";
import { makeFolder } from "./make-folder.js";
import { RunFolder } from "./run-folder.js";
import { runTraining } from "./run-training.js";
import type { Job, Study } from "./study-plan.js";

/** How far a job is. */
export type JobState = "new" | "stopped" | "done";

/**
 * How far a job is, from its folder.
 *
 * @throws {CheckpointError} when the folder holds a run with other settings.
 */
export function jobState(job: Job): JobState {
  const folder = new RunFolder(job.folder);
  if (!existsSync(folder.file("config"))) return "new";
  const { config } = RunFolder.open(job.folder);
  if (!isDeepStrictEqual(config, job.config)) {
    throw new CheckpointError(
      `${job.folder} holds a run with other settings than this study; remove it, or choose another --out`,
    );
  }
  // The metrics are written whole, and last but for figures: where they are, every number of the run is there.
  if (finished(folder)) return "done";
  return existsSync(folder.file("checkpoint")) ? "stopped" : "new";
}

/** Whether the log ends with the run's end. */
function finished(folder: RunFolder): boolean {
  if (!existsSync(folder.file("metrics"))) return false;
  return readFileSync(folder.file("log"), "utf8").trimEnd().split("\n").at(-1)?.includes('"event":"done"') === true;
}

/** Stops the process with a checkpoint when the one that started it is gone. */
function stopWithParent(): () => void {
  if (!process.channel) return () => {};
  process.channel.unref();
  const stop = () => process.kill(process.pid, "SIGTERM");
  process.on("disconnect", stop);
  return () => process.off("disconnect", stop);
}

/** Folder of a study that holds the Encoders its runs share. */
export function encodersFolder(root: string): string {
  return join(root, "encoders");
}

/**
 * Carries out a job, or what is left of it.
 *
 * @throws {StoppedError} when a signal stopped it, or another process is at it.
 */
export async function runJob(study: Study, root: string, job: Job): Promise<void> {
  if (jobState(job) === "done") return;
  makeFolder(job.folder, "--out");
  const lock = takeLock(job.folder);
  if ("holder" in lock) throw new StoppedError(`${job.key} is being run by ${lock.holder}`, 75);
  const release = stopWithParent();
  try {
    const state = jobState(job);
    if (state === "done") return;
    await runTraining({
      config: job.config,
      folder: () => startedFolder(job),
      resume: state === "stopped",
      json: false,
      others: study.others,
      encoders: encodersFolder(root),
    });
    if (!study.keepCheckpoints) rmSync(new RunFolder(job.folder).file("checkpoint"), { force: true });
  } finally {
    release();
    lock.release();
  }
}

/** The job's run folder; one that was left before its first checkpoint is started again. */
async function startedFolder(job: Job): Promise<RunFolder> {
  if (!existsSync(new RunFolder(job.folder).file("config"))) return RunFolder.create(job.folder, job.config);
  const { folder } = RunFolder.open(job.folder);
  if (!existsSync(folder.file("checkpoint"))) rmSync(folder.file("log"), { force: true });
  return folder;
}
