/** `voxpix inspect`: what a file or folder is, and what is in it. */
import type { Command } from "commander";
import pc from "picocolors";
import { type Description, describe, type FactValue } from "../data/describe.js";
import { reportError } from "./errors.js";

function lines(value: FactValue): string[] {
  if (typeof value !== "object") return [typeof value === "number" ? value.toLocaleString("en") : value];
  const entries = Object.entries(value);
  // Short values stand side by side, longer ones below each other.
  if (entries.every(([, item]) => typeof item === "number")) {
    return [entries.map(([name, item]) => `${name} ${item.toLocaleString("en")}`).join(", ") || "none"];
  }
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, item]) => `${name.padEnd(width)}  ${item}`);
}

/** The description as text. */
export function inspectText({ path, what, facts }: Description): string {
  const width = Math.max(0, ...Object.keys(facts).map((name) => name.length));
  const body = Object.entries(facts).flatMap(([name, value]) =>
    lines(value).map((line, i) => `  ${pc.dim((i === 0 ? name : "").padEnd(width))}  ${line}`),
  );
  return [`${pc.bold(path)}: ${what}`, ...body].join("\n");
}

/** Adds the command. */
export function addInspect(program: Command): void {
  program
    .command("inspect")
    .description(
      "say what a file or folder is, and what is in it: trials, runs, repeats, voxels by region, missing values",
    )
    .argument("<path...>", "recordings, stimuli, weights, arrays, images, run folders")
    .option("--json", "one line of JSON for each path")
    .option("--debug", "show where an error came from")
    .addHelpText(
      "after",
      "\nFiles are told by their content, not by their names.\n\nExamples:\n  $ voxpix inspect Subject3.h5\n  $ voxpix inspect EstimatedResponses.mat Stimuli.mat\n  $ voxpix inspect weights/vgg19.pth --json",
    )
    .action(async (paths: string[], options: { json?: boolean }) => {
      for (const path of paths) {
        try {
          const description = await describe(path);
          process.stdout.write(`${options.json ? JSON.stringify(description) : inspectText(description)}\n`);
        } catch (error) {
          // One file that cannot be read does not hide the others.
          reportError(error);
        }
      }
    });
}
