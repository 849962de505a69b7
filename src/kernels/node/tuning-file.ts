/** Where a tuning is kept under Node: a file an adapter in the user's cache folder. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Device } from "../device.js";
import { adapterKey, type Tuning, useTuning } from "../tuning.js";

/** The user's cache folder; `null` where there is none: `home` throws for a user number without an entry, as in some containers. */
export function cacheFolder(home: () => string = homedir): string | null {
  const given = process.env["XDG_CACHE_HOME"];
  if (given) return given;
  try {
    return join(home(), ".cache");
  } catch {
    return null;
  }
}

/** The file for an adapter, whether it exists or not; `null` where there is no place for one. */
export function tuningFile(adapter: string): string | null {
  const folder = cacheFolder();
  const name = createHash("sha256").update(adapter).digest("hex").slice(0, 16);
  return folder === null ? null : join(folder, "voxpix", `tuning-${name}.json`);
}

/** Keeps a tuning for later processes. @returns The file; `null` where there is no place for one. */
export function writeTuning(tuning: Tuning): string | null {
  const file = tuningFile(tuning.adapter);
  if (file === null) return null;
  mkdirSync(join(file, ".."), { recursive: true });
  // Another process reads the old file or the new one, never half of it.
  writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(tuning, null, 2)}\n`);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}

/** Uses the tuning that is kept for the device's adapter, if there is one; a file that cannot be used is ignored with a line on stderr. */
export function useKeptTuning(device: Device): void {
  const file = tuningFile(adapterKey(device));
  if (file === null) return;
  let problem: string | null;
  try {
    problem = useTuning(device, JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    problem = error instanceof Error ? error.message : String(error);
  }
  if (problem !== null) console.warn(`voxpix: ignored ${file}: ${problem}; \`voxpix doctor --tune\` makes a new one`);
}
