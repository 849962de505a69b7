/** `--engine local`: the jobs of a study as processes of this machine. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFolder } from "./make-folder.js";
import { formatSeconds } from "./progress.js";
import { stopOnSignals } from "./signals.js";
import type { Job } from "./study-plan.js";

/** The command's own script, for other processes to run. */
export const commandScript = fileURLToPath(new URL("../cli.js", import.meta.url));

/** How a job ended that did not succeed. */
export interface FailedJob {
  readonly key: string;
  readonly code: number;
  /** The last thing it said. */
  readonly reason: string;
  readonly log: string;
}

/** How the jobs ended. */
export interface LocalOutcome {
  readonly failed: readonly FailedJob[];
  /** The exit code of the signal that stopped the whole; `null` when it ran to its end. */
  readonly stopped: number | null;
}

/** File that holds what a job said. */
export function jobLog(root: string, key: string): string {
  return join(root, "logs", `${key}.txt`);
}

function lastLine(file: string): string {
  const lines = readFileSync(file, "utf8").split("\n");
  return (lines.findLast((line) => line.startsWith("voxpix: ")) ?? lines.at(-2) ?? "").replace(/^voxpix: /, "");
}

/** Starts one job as a process. It stops with a checkpoint when this process ends. */
function start(root: string, job: Job) {
  const log = jobLog(root, job.key);
  const output = openSync(log, "w");
  const child = spawn(process.execPath, [commandScript, "ablate", "--out", root, "--task", job.key], {
    // A group of its own: Ctrl-C reaches this process alone, which passes it on once.
    detached: true,
    stdio: ["ignore", output, output, "ipc"],
  });
  closeSync(output);
  const ended = new Promise<number>((resolve) => {
    child.on("error", () => resolve(1));
    child.on("exit", (code) => resolve(code ?? 1));
  });
  return { child, log, ended };
}

/**
 * Carries out jobs, `parallel` at a time. One that fails does not stop the others. A signal stops all with their checkpoints written.
 *
 * @param say - Told of every job that begins and ends.
 */
export async function runLocally(
  root: string,
  jobs: readonly Job[],
  { parallel, say }: { readonly parallel: number; readonly say: (line: string) => void },
): Promise<LocalOutcome> {
  makeFolder(join(root, "logs"), "--out");
  const failed: FailedJob[] = [];
  const waiting = [...jobs.entries()];
  const running = new Set<ReturnType<typeof start>["child"]>();
  const stop = stopOnSignals();
  const watch = setInterval(() => {
    if (stop.requested()) for (const child of running) if (running.delete(child)) child.kill("SIGTERM");
  }, 100);
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined && !stop.requested(); next = waiting.shift()) {
      const [index, job] = next;
      const began = performance.now();
      say(`${index + 1}/${jobs.length} ${job.key}`);
      const { child, log, ended } = start(root, job);
      running.add(child);
      const code = await ended;
      running.delete(child);
      const took = formatSeconds((performance.now() - began) / 1000);
      if (code === 0) say(`${index + 1}/${jobs.length} ${job.key} done in ${took}`);
      else if (!stop.requested()) {
        failed.push({ key: job.key, code, reason: lastLine(log), log });
        say(`${index + 1}/${jobs.length} ${job.key} failed: ${lastLine(log)} (${log})`);
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  clearInterval(watch);
  stop.release();
  return { failed, stopped: stop.requested() ? stop.exitCode() : null };
}
