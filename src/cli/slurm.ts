/** `--engine slurm`: the jobs of a study as one array job of a SLURM cluster, and a job after it that collects. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { writeWhole } from "../report/write-whole.js";
import { UsageError } from "./errors.js";
import { commandScript, jobLog } from "./local-engine.js";
import { makeFolder } from "./make-folder.js";
import type { Job } from "./study-plan.js";

/** A submission, as `slurm.json` keeps it. */
interface Submission {
  readonly array: string;
  readonly collect: string;
  readonly keys: readonly string[];
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * The batch script of an array job: one task a run. Two minutes before its time limit a task is told to stop; it writes its checkpoint
 * and is queued again. SIGUSR2 is used because Node opens its debugger on SIGUSR1.
 */
export function arrayScript(root: string, jobs: readonly Job[], parallel: number): string {
  const folder = resolve(root);
  const command = [process.execPath, commandScript, "ablate", "--out", folder].map(quoted).join(" ");
  return `#!/bin/bash
#SBATCH --job-name=${quoted(`voxpix-${basename(folder)}`)}
#SBATCH --array=0-${jobs.length - 1}%${parallel}
#SBATCH --output=${quoted(join(folder, "logs", "slurm-%A_%a.txt"))}
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR2@120
keys=(
${jobs.map(({ key }) => `  ${quoted(key)}`).join("\n")}
)
key="\${keys[$SLURM_ARRAY_TASK_ID]}"
${command} --task "$key" > ${quoted(join(folder, "logs"))}/"$key".txt 2>&1 &
task=$!
again=no
trap 'again=yes; kill -USR2 $task' USR2
trap 'kill -TERM $task' TERM
wait $task
code=$?
# A signal ends the wait before the task; the task's own exit code is wanted.
while kill -0 $task 2> /dev/null; do
  wait $task
  code=$?
done
if [ $again = yes ] && [ $code = 75 ]; then
  scontrol requeue "\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}"
fi
exit $code
`;
}

function slurm(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      throw new UsageError(
        `--engine slurm needs ${command}, which this machine does not have; run it on a login node of the cluster`,
      );
    }
    const text = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
    throw new UsageError(`${command} refused: ${text.trim().split("\n").at(-1) ?? ""}`);
  }
}

const submissionFile = (root: string) => join(root, "slurm.json");

/** Tasks of the last submission that the cluster still holds. */
function tasksLeft(root: string): { array: string; count: number } | null {
  if (!existsSync(submissionFile(root))) return null;
  const { array } = JSON.parse(readFileSync(submissionFile(root), "utf8")) as Submission;
  try {
    const lines = slurm("squeue", ["--noheader", "--array", "--format=%t", `--jobs=${array}`]);
    return { array, count: lines === "" ? 0 : lines.split("\n").length };
  } catch {
    // squeue knows nothing of jobs that ended some time ago.
    return { array, count: 0 };
  }
}

/**
 * Submits jobs as one array, and a job that collects when all of them have ended, however they did.
 *
 * @param parallel - Most tasks at once.
 * @param options - Further options of sbatch: partition, GPUs, time.
 * @returns What was submitted.
 * @throws {UsageError} when there is no SLURM, it refuses, or an earlier submission is not through.
 */
export async function submit(
  root: string,
  jobs: readonly Job[],
  { parallel, options }: { readonly parallel: number; readonly options: readonly string[] },
): Promise<Submission> {
  const left = tasksLeft(root);
  if (left && left.count > 0) {
    throw new UsageError(
      `job ${left.array} of this study still has ${left.count} tasks in the queue; wait for it, or end it with scancel ${left.array}`,
    );
  }
  makeFolder(join(root, "logs"), "--out");
  const script = join(root, "slurm.sh");
  await writeWhole(script, arrayScript(root, jobs, parallel));
  const array = slurm("sbatch", ["--parsable", ...options, script]).split(";")[0] ?? "";
  const command = [process.execPath, commandScript, "ablate", "--out", resolve(root), "--collect"]
    .map(quoted)
    .join(" ");
  const collect =
    slurm("sbatch", [
      "--parsable",
      `--dependency=afterany:${array}`,
      `--job-name=voxpix-collect`,
      `--output=${jobLog(resolve(root), "collect")}`,
      `--wrap=${command}`,
    ]).split(";")[0] ?? "";
  const submission = { array, collect, keys: jobs.map(({ key }) => key) };
  await writeWhole(submissionFile(root), `${JSON.stringify(submission, null, 2)}\n`);
  return submission;
}
