/** Folders that commands write into. */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CheckpointError } from "../model/errors.js";

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? error.code : null);

/** One folder after another, because Node's own recursive way never returns below /proc. */
function make(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (codeOf(error) === "EEXIST" && statSync(path).isDirectory()) return;
    if (codeOf(error) !== "ENOENT" || dirname(path) === path) throw error;
    make(dirname(path));
    mkdirSync(path);
  }
}

/**
 * Makes a folder and those above it; one that exists is left as it is.
 *
 * @param option - The command-line option that named it, for the remedy.
 * @throws {CheckpointError} naming the path and the reason when it cannot be made.
 */
export function makeFolder(path: string, option: string): void {
  try {
    make(resolve(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/, mkdir.*$/s, "") : String(error);
    throw new CheckpointError(`${path} cannot be made (${reason}); choose another ${option}`);
  }
}
