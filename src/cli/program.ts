/** The command lines. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addAblate } from "./ablate.js";
import { addDoctor } from "./doctor.js";
import { addDownload } from "./download.js";
import { addEvaluate } from "./evaluate.js";
import { addInspect } from "./inspect.js";
import { addReconstruct } from "./reconstruct.js";
import { train, trainOptions } from "./train.js";

const version = (
  JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }
).version;

const examples = `
Examples:
  $ voxpix doctor
  $ voxpix train
  $ voxpix train --dataset digit69 --data digit69_28x28.mat --unlabeled mnist/
  $ voxpix ablate --seeds 5
  $ voxpix evaluate runs/digit69-full-20260131-094500
  $ voxpix reconstruct runs/digit69-full-20260131-094500 --fmri new.npy --out images/

Each command explains itself: voxpix train --help`;

/** The whole `voxpix` command. Usage errors throw instead of ending the process. */
export function program(): Command {
  const root = new Command("voxpix")
    .description("reconstruct the images people saw from their fMRI recordings, on any GPU through WebGPU")
    .version(version)
    .exitOverride()
    .showHelpAfterError("(--help shows all options)")
    .addHelpText("after", examples);
  // Commands inherit exitOverride when they are added after it.
  trainOptions(root.command("train")).action(train);
  addAblate(root);
  addEvaluate(root);
  addReconstruct(root);
  addInspect(root);
  addDownload(root);
  addDoctor(root);
  return root;
}

/** The train command alone. */
export function trainProgram(): Command {
  const command = new Command("train").exitOverride().showHelpAfterError("(--help shows all options)");
  return trainOptions(command).action(train);
}
