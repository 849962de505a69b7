/** The built commands as processes. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll } from "vitest";

/** The built `voxpix` command. */
export const command = resolve(import.meta.dirname, "../../dist/cli.js");

/** How a process ended and what it said. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder that is removed when the test file is done. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "voxpix-cli-"));
  afterAll(() => {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    } catch {
      // A daemon that a test started still writes while it ends: a temporary folder that stays is no failure.
    }
  });
  return folder;
}

/** Runs `voxpix` in a folder. `seen` is called with the process and all it has written to stderr so far. */
export function voxpix(
  cwd: string,
  args: readonly string[],
  seen: (kill: (signal: NodeJS.Signals) => void, stderr: string) => void = () => {},
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return new Promise((done) => {
    const options = { cwd, env: { ...process.env, NO_COLOR: "1", ...env }, timeout: 400_000 };
    const child = execFile(process.execPath, [command, ...args], options, (error, stdout, stderr) =>
      done({ code: error ? ((error.code as unknown as number) ?? -1) : 0, stdout, stderr }),
    );
    let text = "";
    child.stderr?.on("data", (part: string) => {
      text += part;
      seen((signal) => child.kill(signal), text);
    });
  });
}

/** Settings of the smallest study that has something to say. */
export const tinyRun =
  "--resolution 16 --encoder-channels 4 --decoder-channels 4 --batch-size 64 --encoder-epochs 1 --simulate testImages=11,voxels=40,trainImages=64,unlabeledImages=16".split(
    " ",
  );
