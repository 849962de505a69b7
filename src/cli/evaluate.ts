/** `voxpix evaluate`: scores a run again from its checkpoint. */
import type { Command } from "commander";
import { type OtherFolder, otherFolder, otherHelp } from "./others.js";
import { RunFolder } from "./run-folder.js";
import { evaluateRun } from "./run-training.js";

/** Adds the command. */
export function addEvaluate(program: Command): void {
  program
    .command("evaluate")
    .description("score a run from its checkpoint: identification, correlation and SSIM beside the baselines")
    .argument("<run>", "the run folder that training printed")
    .option("--other <NAME=FOLDER>", otherHelp, otherFolder)
    .option("--json", "machine-readable output")
    .option("--debug", "show where an error came from")
    .addHelpText(
      "after",
      `
Writes metrics.json, scores.csv, reconstructions.png and report.html in the run folder anew. Nothing is trained.

Examples:
  $ voxpix evaluate runs/simulate-full-20260131-094500
  $ voxpix evaluate runs/god-full-20260131-094500 --other "Shen et al.=shen-2019/" --other "without generator=shen-no-dgn/"
      beside other people's images of the same stimuli, named like the test images or numbered; resampled where sizes differ`,
    )
    .action(async (run: string, options: { json?: boolean; other?: readonly OtherFolder[] }) => {
      const { folder, config } = RunFolder.open(run);
      await evaluateRun({
        config,
        folder: () => Promise.resolve(folder),
        resume: true,
        json: options.json === true,
        others: options.other ?? [],
      });
    });
}
