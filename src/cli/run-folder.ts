/** The folder that holds everything of a run. Every file is written whole or not at all, except the log, which grows by lines. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CheckpointError } from "../model/errors.js";
import { unwritable, writeWhole } from "../report/write-whole.js";
import { makeFolder } from "./make-folder.js";
import { completeConfig, type RunConfig } from "./options.js";

/** File names in a run folder. */
export const runFiles = {
  config: "config.json",
  log: "log.jsonl",
  checkpoint: "checkpoint.safetensors",
  metrics: "metrics.json",
  scores: "scores.csv",
  reconstructions: "reconstructions.png",
  report: "report.html",
  /** Folders of the test images and of what was made of them, one PNG each, numbered in the order of `scores.csv`. */
  stimuli: "stimuli",
  images: "images",
} as const;

/** `20260131-094500`. */
function stamp(now: Date): string {
  return now.toISOString().slice(0, 19).replaceAll("-", "").replaceAll(":", "").replace("T", "-");
}

/** `runs/digit69-full-20260131-094500`. */
export function defaultRunFolder(config: RunConfig, now = new Date()): string {
  return join("runs", `${config.dataset}-${config.variant}-${stamp(now)}`);
}

/** `runs/study-digit69-20260131-094500`. */
export function defaultStudyFolder(dataset: RunConfig["dataset"], now = new Date()): string {
  return join("runs", `study-${dataset}-${stamp(now)}`);
}

/** A run folder on disk. */
export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Path of one of its files. */
  file(name: keyof typeof runFiles): string {
    return join(this.path, runFiles[name]);
  }

  /**
   * Makes the folder for a new run and writes its configuration.
   *
   * @throws {CheckpointError} when it already holds a run, or cannot be made.
   */
  static async create(path: string, config: RunConfig): Promise<RunFolder> {
    const folder = new RunFolder(path);
    if (existsSync(folder.file("config"))) {
      throw new CheckpointError(
        `${path} already holds a run; choose another --out, or continue it with --resume ${path}`,
      );
    }
    makeFolder(path, "--out");
    await folder.writeJson("config", config);
    return folder;
  }

  /**
   * Opens an existing run and reads its configuration.
   *
   * @throws {CheckpointError} when it holds no run.
   */
  static open(path: string): { folder: RunFolder; config: RunConfig } {
    const folder = new RunFolder(path);
    const file = folder.file("config");
    if (!existsSync(file))
      throw new CheckpointError(
        `${path} holds no run (there is no ${runFiles.config}); give the folder that training printed`,
      );
    let values: unknown;
    try {
      values = JSON.parse(readFileSync(file, "utf8"));
    } catch (error) {
      throw new CheckpointError(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
    }
    // What is added must not stand behind a line that was cut off.
    const log = folder.file("log");
    if (existsSync(log) && !/(^|\n)$/.test(readFileSync(log, "utf8"))) appendFileSync(log, "\n");
    return { folder, config: completeConfig(values as Record<string, unknown>, file) };
  }

  /** Writes a file whole, or not at all. */
  async writeJson(name: keyof typeof runFiles, value: unknown): Promise<void> {
    await writeWhole(this.file(name), `${JSON.stringify(value, null, 2)}\n`);
  }

  /** Writes a text file whole, or not at all. */
  async writeText(name: keyof typeof runFiles, text: string): Promise<void> {
    await writeWhole(this.file(name), text);
  }

  /** Writes a binary file whole, or not at all. */
  async writeBytes(name: keyof typeof runFiles, bytes: Uint8Array): Promise<void> {
    await writeWhole(this.file(name), bytes);
  }

  /** Adds one line to the log. */
  log(entry: Readonly<Record<string, unknown>>): void {
    try {
      appendFileSync(this.file("log"), `${JSON.stringify(entry)}\n`);
    } catch (error) {
      throw unwritable(this.file("log"), error);
    }
  }

  /** Lines of the log; one that a kill or a full disk has cut off is passed over. */
  static logEntries(file: string): Record<string, unknown>[] {
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line) => {
        try {
          const entry = JSON.parse(line) as unknown;
          return typeof entry === "object" && entry !== null ? [entry as Record<string, unknown>] : [];
        } catch {
          return [];
        }
      });
  }
}
