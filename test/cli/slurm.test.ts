/** A study on a real SLURM cluster of one node. Needs root and Debian's slurm-wlm and munge; skipped with a reason elsewhere. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { arrayScript } from "../../src/cli/slurm.js";
import { jobsOf, type Study } from "../../src/cli/study-plan.js";
import { scratchFolder, tinyRun, voxpix } from "./process.js";

const setup = resolve(import.meta.dirname, "../../scripts/setup-slurm.sh");
const scratch = scratchFolder();
const cluster = join(scratch, "cluster");

/** Why there can be no cluster here, or `null`. */
function obstacle(): string | null {
  if (process.getuid?.() !== 0) return "not root";
  const missing = ["sbatch", "slurmctld", "slurmd", "munged"].filter(
    (name) => !["/usr/bin", "/usr/sbin"].some((folder) => existsSync(join(folder, name))),
  );
  return missing.length > 0 ? `${missing.join(", ")} not installed (apt-get install slurm-wlm munge)` : null;
}

const reason = obstacle();
if (reason !== null) console.log(`skipped: no SLURM cluster can be started here: ${reason}`);

test("the batch script names every run once, quoted, and asks to be stopped in time", () => {
  const study: Study = {
    format: "voxpix-study-1",
    base: {},
    variants: ["full", "images"],
    seeds: [0, 1],
    sweep: [],
    others: [],
    keepCheckpoints: false,
  };
  const script = arrayScript("it's here", jobsOf(study, "it's here"), 3);
  expect(script).toMatch(/^#SBATCH --array=0-3%3$/m);
  expect(script).toMatch(/^#SBATCH --signal=B:USR2@120$/m);
  expect(script.match(/^ {2}'\w+-seed\d'$/gm)).toEqual([
    "  'full-seed0'",
    "  'images-seed0'",
    "  'full-seed1'",
    "  'images-seed1'",
  ]);
  expect(script).toContain("it'\\''s here");
  // Bash accepts it.
  execFileSync("bash", ["-n"], { input: script });
});

test("without SLURM the command says so", async () => {
  const path = { PATH: "/nowhere" };
  const args = ["ablate", ...tinyRun, "--seeds", "1", "--engine", "slurm", "--out", "without"];
  const { code, stderr } = await voxpix(scratch, args, () => {}, path);
  expect(code).toBe(2);
  expect(stderr).toMatch(/--engine slurm needs sbatch, which this machine does not have/);
});

describe.skipIf(reason !== null)("a real cluster", { timeout: 600_000 }, () => {
  afterAll(() => execFileSync("bash", [setup, "stop", cluster]));

  test("one array job runs the study; a task told to stop is queued again and goes on; a job after it collects", async () => {
    execFileSync("bash", [setup, "start", cluster], { stdio: ["ignore", "ignore", "inherit"] });
    const env = { SLURM_CONF: join(cluster, "slurm.conf") };
    const slurm = (command: string, ...args: string[]) =>
      execFileSync(command, args, { env: { ...process.env, ...env }, encoding: "utf8" });
    const settings = [...tinyRun, "--decoder-epochs", "6", "--variants", "supervised,images", "--seeds", "1"];
    const submitted = await voxpix(
      scratch,
      ["ablate", ...settings, "--out", "study", "--engine", "slurm", "--jobs", "2", "--slurm", "--comment=tiny"],
      () => {},
      env,
    );
    expect(submitted.stderr).toMatch(/submitted 2 runs as job \d+/);
    const { array } = JSON.parse(readFileSync(join(scratch, "study/slurm.json"), "utf8"));

    const twice = await voxpix(scratch, ["ablate", "--out", "study", "--engine", "slurm"], () => {}, env);
    expect(twice.code).toBe(2);
    expect(twice.stderr).toMatch(/still has \d+ tasks in the queue/);

    const until = async (what: () => boolean) => {
      const end = Date.now() + 400_000;
      while (!what() && Date.now() < end) await new Promise((next) => setTimeout(next, 50));
      expect(what()).toBe(true);
    };
    const log = join(scratch, "study/runs/images-seed0/log.jsonl");
    const said = (text: string) => existsSync(log) && readFileSync(log, "utf8").includes(text);
    await until(() => said('"phase":"decoder"'));
    slurm("scancel", "--signal=USR2", "--batch", `${array}_1`);
    const results = () => JSON.parse(readFileSync(join(scratch, "study/results.json"), "utf8"));
    await until(() => results().missing.length === 0);
    const events = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event);
    expect(events.filter((event) => event !== "epoch")).toEqual(["started", "stopped", "resumed", "done"]);
    expect(events.filter((event) => event === "epoch").length).toBe(7);
    await until(() => slurm("squeue", "--noheader") === "");
    expect(results().rows.length).toBe(4);

    // Nothing is left to do: no second submission.
    const again = await voxpix(scratch, ["ablate", "--out", "study", "--engine", "slurm"], () => {}, env);
    expect(again.stderr).toMatch(/2 runs, 2 done/);
    expect(again.stderr).not.toMatch(/submitted/);
  });
});
