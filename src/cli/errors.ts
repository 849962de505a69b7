/** From an error to one line and an exit code. */
import { CommanderError } from "commander";
import { DataError } from "../data/errors.js";
import { DeviceError } from "../index.js";
import { CheckpointError, DivergedError } from "../model/errors.js";

/** Exit codes of every command. */
export const exitCodes = {
  done: 0,
  usage: 2,
  data: 3,
  checkpoint: 4,
  device: 5,
  diverged: 6,
  /** Stopped by SIGTERM or SIGUSR2; a checkpoint was written. */
  interrupted: 75,
  /** Stopped by Ctrl-C; a checkpoint was written. */
  ctrlC: 130,
} as const;

/** A command line or configuration that cannot be carried out. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Training that was stopped by a signal after its checkpoint was written. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Runs of a study that failed while the others went on; the exit code is that of the first. */
export class JobsFailedError extends Error {
  override readonly name = "JobsFailedError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

const diskCodes = /^(ENOSPC|EACCES|EROFS|EDQUOT|EPERM|EMFILE|EIO)$/;

/** The exit code for an error; 1 for a fault of the program itself. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof StoppedError || error instanceof JobsFailedError) return error.exitCode;
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof DataError) return exitCodes.data;
  if (error instanceof CheckpointError) return exitCodes.checkpoint;
  if (error instanceof DeviceError) return exitCodes.device;
  if (error instanceof DivergedError) return exitCodes.diverged;
  if (error instanceof Error && "code" in error && diskCodes.test(String(error.code))) return exitCodes.checkpoint;
  return 1;
}

/** Goes on where nobody reads what is said any more, as in `voxpix train | head`: files are written all the same. */
function bearClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}

/** Prints one line to stderr (a stack with `--debug`) and sets the exit code. */
export function reportError(error: unknown): void {
  process.exitCode = exitCodeOf(error);
  // commander has printed its own message.
  if (error instanceof CommanderError) return;
  const debug = process.argv.includes("--debug");
  const text = error instanceof Error ? (debug ? error.stack : error.message) : String(error);
  process.stderr.write(`voxpix: ${text}\n`);
  if (process.exitCode === 1 && !debug)
    process.stderr.write("voxpix: this is a fault of voxpix itself; --debug shows where\n");
}

/**
 * Runs a command to its end: an error is told by {@link reportError}.
 *
 * @param body - The command.
 */
export async function runCommand(body: () => Promise<void>): Promise<void> {
  bearClosedPipes();
  try {
    await body();
  } catch (error) {
    reportError(error);
  }
}
