/** `voxpix ablate`: the paper's comparison of variants over seeds, as a study of many runs. */
import { rmSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Variant } from "../model/batches.js";
import { collect } from "./collect.js";
import { JobsFailedError, StoppedError, UsageError } from "./errors.js";
import { encodersFolder, jobState, runJob } from "./job.js";
import { runLocally } from "./local-engine.js";
import { completeConfig } from "./options.js";
import { type OtherFolder, otherFolder, otherHelp } from "./others.js";
import { defaultStudyFolder } from "./run-folder.js";
import { submit } from "./slurm.js";
import { type Job, jobsOf, openStudy, type Study, saveStudy, sweeps } from "./study-plan.js";
import { studyText } from "./study-tables.js";
import { readConfigFile, settingOptions, wholeNumber, withDataset } from "./train.js";

const allVariants = ["supervised", "images", "full", "targetExcluded"] as const;

function variantList(text: string): Variant[] {
  return text.split(",").map((part) => {
    const found = allVariants.find((name) => name === part.trim());
    if (!found) throw new InvalidArgumentError(`Variants are ${allVariants.join(", ")}.`);
    return found;
  });
}

/** `5` is 0 to 4; `3,5` and `7,` are lists. */
function seedList(text: string): number[] {
  const parts = text.split(",").filter((part) => part.trim() !== "");
  const numbers = parts.map((part) => wholeNumber(part.trim()));
  const seeds = text.includes(",") ? numbers : Array.from({ length: numbers[0] ?? 0 }, (_, i) => i);
  if (seeds.length === 0 || new Set(seeds).size < seeds.length) {
    throw new InvalidArgumentError("It must be a number of seeds, or different seeds separated by commas.");
  }
  return seeds;
}

function sweepSpec(text: string, before: Study["sweep"] = []): Study["sweep"] {
  const [name = "", list = ""] = text.split("=");
  const values = list.split(",").filter((value) => value !== "");
  if (!sweeps[name] || values.length === 0) {
    throw new InvalidArgumentError(`It must be NAME=VALUE,VALUE,... with a name of ${Object.keys(sweeps).join(", ")}.`);
  }
  return [...before, { name, values }];
}

const examples = `
A study is a folder: study.json says which runs it has, runs/ holds them, results.json, .csv, .md and .txt what came out.
Stopped in any way, it goes on with the same command, or with  voxpix ablate --out FOLDER.

Variant targetExcluded reconstructs each test image with a Decoder that trained on the test fMRI of others only. One Decoder for
each test image would take as many trainings as there are images; --target-groups (default 10) trains one for each group of them.
As many groups as test images (--target-groups 50 for god) leave out one at a time, as the paper did.
Variant supervised does not use the Encoder, so none is trained. The others share one: the first of a seed's runs trains it, and the
rest, whose first phase would give the same bits, take it from the study's folder. It is deleted when all runs are done.

Examples:
  $ voxpix ablate --seeds 5
      the four variants on the simulated subject, five seeds each
  $ voxpix ablate --dataset digit69 --data digit69_28x28.mat --unlabeled mnist/ --folds 10 --seeds 3 --jobs 2
      10-fold on real fMRI, two runs at a time
  $ voxpix ablate --variants full --sweep test-repeats=1,3,10,35 --seeds 5
      how the number of averaged test repeats matters
  $ voxpix ablate --sweep loss-weights=1:1:1,1:0.3:0.3 --sweep snr=0.5,1,2 --dry-run
      which runs that would be
  $ voxpix ablate --dataset god --data Subject3.mat ... --engine slurm --slurm "--gres=gpu:1 --time=2:00:00"
      one array job; the table is made when all tasks have ended`;

/** Adds the command. */
export function addAblate(program: Command): void {
  const command = program
    .command("ablate")
    .description("train the paper's variants over seeds, and compare them in one table");
  settingOptions(command)
    .option("--variants <names>", `some of ${allVariants.join(",")} (default: all)`, variantList)
    .option("--seeds <n>", "how many seeds, from 0, or a list like 3,4,5 (default: 3)", seedList)
    .option(
      "--sweep <NAME=VALUES>",
      "also vary test-repeats (1,5,35), loss-weights (1:1:1,...), max-shift (0,5), preset (paper,best) or snr (a factor; simulated subject); may be repeated",
      sweepSpec,
    )
    .option("--other <NAME=FOLDER>", otherHelp, otherFolder)
    .addOption(
      new Option("--engine <name>", "where the runs are carried out (default: local)").choices(["local", "slurm"]),
    )
    .option("--jobs <n>", "runs at a time (default: 1; slurm: 8)", wholeNumber)
    .option("--slurm <options>", 'further options of sbatch, e.g. "--partition=gpu --gres=gpu:1 --time=2:00:00"')
    .option(
      "--keep-checkpoints",
      "keep each run's checkpoint and the shared Encoders when done (default: deleted, they are large)",
    )
    .option("--dry-run", "list the runs and how far they are, do nothing")
    .option("--collect", "make the table of what is finished, run nothing")
    .option("--out <folder>", "the study's folder (default: runs/study-<dataset>-<time>)")
    .addOption(new Option("--task <key>", "carry out one run of the study in --out").hideHelp())
    .option("--json", "the results as JSON on stdout, nothing else")
    .option("--debug", "show where an error came from")
    .addHelpText("after", examples)
    .action(ablate);
}

type AblateArguments = Record<string, unknown> & {
  variants?: Variant[];
  seeds?: number[];
  sweep?: Study["sweep"];
  other?: readonly OtherFolder[];
  engine?: "local" | "slurm";
  jobs?: number;
  slurm?: string;
  keepCheckpoints?: boolean;
  dryRun?: boolean;
  collect?: boolean;
  out?: string;
  task?: string;
  config?: string;
  json?: boolean;
  debug?: boolean;
};

/** The study that the arguments describe, or the one in `--out` when they describe none. */
async function studyOf(args: AblateArguments): Promise<{ study: Study; root: string }> {
  const { variants, seeds, sweep, other, keepCheckpoints, config: file, ...rest } = args;
  const {
    engine: _e,
    jobs: _j,
    slurm: _s,
    dryRun,
    collect: collecting,
    out,
    task,
    json: _json,
    debug: _d,
    ...choices
  } = rest;
  const says = [variants, seeds, sweep, other, keepCheckpoints, file].some((value) => value !== undefined);
  if (!says && Object.keys(choices).length === 0 && out !== undefined && (task || collecting || hasStudy(out))) {
    return { study: openStudy(out), root: out };
  }
  const base = await withDataset({ ...(file === undefined ? {} : readConfigFile(file)), ...choices });
  for (const name of ["variant", "seed"]) {
    if (name in base) throw new UsageError(`${file}: ${name} is what a study varies; give --${name}s`);
  }
  const study: Study = {
    format: "voxpix-study-1",
    base,
    variants: variants ?? [...allVariants],
    seeds: seeds ?? [0, 1, 2],
    sweep: sweep ?? [],
    others: [...(other ?? [])],
    keepCheckpoints: keepCheckpoints === true,
  };
  const root = out ?? defaultStudyFolder(completeConfig(base, file ?? "command line").dataset);
  // Wrong settings are refused before anything is written.
  jobsOf(study, root);
  if (!dryRun) await saveStudy(study, root);
  return { study, root };
}

function hasStudy(out: string): boolean {
  try {
    openStudy(out);
    return true;
  } catch {
    return false;
  }
}

async function runEngine(
  args: AblateArguments,
  root: string,
  left: readonly Job[],
  say: (line: string) => void,
): Promise<boolean> {
  if (args.engine === "slurm") {
    const options = (args.slurm ?? "").split(/\s+/).filter((option) => option !== "");
    const { array, collect: after } = await submit(root, left, { parallel: args.jobs ?? 8, options });
    say(`submitted ${left.length} runs as job ${array}; job ${after} makes the table after them: ${root}/results.txt`);
    return false;
  }
  const { failed, stopped } = await runLocally(root, left, { parallel: args.jobs ?? 1, say });
  if (stopped !== null) throw new StoppedError(`stopped; go on with voxpix ablate --out ${root}`, stopped);
  const [first] = failed;
  if (first) {
    throw new JobsFailedError(
      `${failed.length} of ${left.length} runs failed (${failed.map(({ key }) => key).join(", ")}), the first with: ${first.reason}; try them again with voxpix ablate --out ${root}`,
      first.code,
    );
  }
  return true;
}

async function runTask(study: Study, root: string, key: string): Promise<void> {
  const job = jobsOf(study, root).find((one) => one.key === key);
  if (!job) throw new UsageError(`--task ${key}: the study in ${root} has no such run`);
  await runJob(study, root, job);
}

/** Carries out the command. */
export async function ablate(args: AblateArguments): Promise<void> {
  if (args.jobs === 0) throw new UsageError("--jobs must be at least 1");
  const { study, root } = await studyOf(args);
  if (args.task !== undefined) return runTask(study, root, args.task);
  const jobs = jobsOf(study, root);
  const states = jobs.map((job) => ({ job, state: jobState(job) }));
  if (args.dryRun) {
    if (args.json) process.stdout.write(`${JSON.stringify(states.map(({ job, state }) => ({ ...job, state })))}\n`);
    else for (const { job, state } of states) process.stdout.write(`${state.padEnd(8)} ${job.key}\n`);
    return;
  }
  const say = (line: string) => {
    if (!args.json) process.stderr.write(`${line}\n`);
  };
  const left = states.flatMap(({ job, state }) => (state === "done" ? [] : [job]));
  say(`study ${root}: ${jobs.length} runs, ${jobs.length - left.length} done`);
  let whole = true;
  try {
    if (!args.collect && left.length > 0) whole = await runEngine(args, root, left, say);
  } finally {
    // What is finished is worth a table, whatever became of the rest.
    const results = await collect(study, root);
    if (!study.keepCheckpoints && jobs.every((job) => jobState(job) === "done")) {
      rmSync(encodersFolder(root), { recursive: true, force: true });
    }
    if (whole && args.json) process.stdout.write(`${JSON.stringify(results)}\n`);
    else if (whole && results.rows.length > 0) process.stdout.write(`\n${studyText(results)}\n\nStudy: ${root}\n`);
  }
}
