/** `voxpix evaluate`: scores a run again from its checkpoint. */
import type { Command } from "commander";
import { RunFolder } from "./run-folder.js";
import { evaluateRun } from "./run-training.js";

/** Adds the command. */
export function addEvaluate(program: Command): void {
  program
    .command("evaluate")
    .description("score a run from its checkpoint: identification, correlation and SSIM beside the baselines")
    .argument("<run>", "the run folder that training printed")
    .option("--json", "machine-readable output")
    .option("--debug", "show where an error came from")
    .addHelpText(
      "after",
      "\nWrites metrics.json and reconstructions.png in the run folder anew.\n\nExample:\n  $ voxpix evaluate runs/simulate-full-20260131-094500",
    )
    .action(async (run: string, options: { json?: boolean }) => {
      const { folder, config } = RunFolder.open(run);
      await evaluateRun({ config, folder: () => Promise.resolve(folder), resume: true, json: options.json === true });
    });
}
