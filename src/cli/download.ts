/** `voxpix download`: open data and weights, with resume and checksum. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import pc from "picocolors";
import { type Download, downloads, onRequest } from "../data/downloads.js";
import { DataError } from "../data/errors.js";
import { fetchFile, sha256Of } from "../data/fetch-file.js";
import { CheckpointError } from "../model/errors.js";
import { UsageError } from "./errors.js";
import { makeFolder } from "./make-folder.js";

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** The list of all that can be fetched, and of what cannot. */
export function downloadList(): string {
  const width = Math.max(...downloads.map(({ name }) => name.length));
  const rows = downloads.map(
    ({ name, what, licence }) => `  ${name.padEnd(width)}  ${what}\n${" ".repeat(width + 4)}${pc.dim(licence)}`,
  );
  const asked = onRequest.map(({ name, what, how }) => `  ${name}: ${what}\n    ${how}`);
  return ["Fetched by voxpix download NAME:", ...rows, "", "To be asked for where they are kept:", ...asked].join("\n");
}

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "");

function find(name: string): Download {
  const found = downloads.find((item) => item.name === name);
  if (found !== undefined) return found;
  const asked = onRequest.find((item) => plain(item.name).includes(plain(name)));
  if (asked !== undefined) throw new UsageError(`${asked.name} cannot be fetched: ${asked.how}`);
  throw new UsageError(`there is no ${name} to download; voxpix download --list shows what there is`);
}

/** A line that is written over on a terminal, and nothing elsewhere. */
function progress(file: string): ((done: number, total: number | null) => void) | null {
  if (!process.stderr.isTTY) return null;
  let last = 0;
  return (done, total) => {
    if (performance.now() - last < 200 && done !== total) return;
    last = performance.now();
    process.stderr.write(`\r${file}  ${mib(done)}${total === null ? "" : ` of ${mib(total)}`}  `);
  };
}

interface DownloadArguments {
  readonly list?: boolean;
  readonly out: string;
  readonly url?: string;
  readonly json?: boolean;
}

/** A file that is there already is not fetched again; one that bears the name and is another is not taken for it. */
async function checkPresent({ name, sha256 }: Download, path: string, json: boolean): Promise<void> {
  const found = json || sha256 !== null ? await sha256Of(path) : null;
  if (sha256 !== null && found?.startsWith(sha256) === false) {
    throw new DataError(
      `${path} is there already, with SHA-256 ${found}, not ${sha256}...`,
      "Move it away, or delete it.",
    );
  }
  if (json) process.stdout.write(`${JSON.stringify({ name, path, sha256: found })}\n`);
  else process.stderr.write(`${path} is there already${sha256 === null ? "" : ", its checksum right"}\n`);
}

/** The disk's own errors, with the file and what to do. */
function onDiskError(part: string, error: unknown): never {
  if (!(error instanceof Error && "syscall" in error)) throw error;
  const reason = error.message.replace(/, \w+( '.*)?$/s, "");
  throw new CheckpointError(
    `${part} cannot be written (${reason}); once it can, the same command goes on from what came`,
  );
}

async function fetchOne(item: Download, { out, url, json }: DownloadArguments): Promise<void> {
  const path = join(out, item.file);
  const say = (line: string) => void (json === true || process.stderr.write(`${line}\n`));
  if (existsSync(path)) return checkPresent(item, path, json === true);
  makeFolder(out, "--out");
  say(`${item.what}\nlicence: ${item.licence}`);
  const onProgress = json === true ? null : progress(item.file);
  const options = { sha256: item.sha256, ...(onProgress && { onProgress }) };
  const result = await fetchFile(url ?? item.url, path, options).catch((error: unknown) =>
    onDiskError(`${path}.part`, error),
  );
  if (onProgress) process.stderr.write("\n");
  const checked = item.sha256 === null ? "no checksum is published; note this one" : "checked";
  if (json === true) process.stdout.write(`${JSON.stringify({ name: item.name, path, ...result })}\n`);
  else process.stdout.write(`${path}  ${mib(result.bytes)}\nSHA-256 ${result.sha256} (${checked})\n`);
}

/** Adds the command. */
export function addDownload(program: Command): void {
  program
    .command("download")
    .description("fetch open recordings and weights; goes on where a connection broke")
    .argument("[name...]", "what to fetch; --list shows what there is")
    .option("--list", "show what can be fetched, its licence, and what must be asked for elsewhere")
    .option("--out <folder>", "where the files go", "data")
    .option(
      "--url <address>",
      "fetch the one NAME from another place, a mirror for instance; its checksum stays the same",
    )
    .option("--json", "one line of JSON for each file")
    .option("--debug", "show where an error came from")
    .addHelpText(
      "after",
      "\nWhat came of a broken download stays in FILE.part; the same command goes on from there.\n\nExamples:\n  $ voxpix download --list\n  $ voxpix download god-subject3 god-pictures-training god-pictures-test\n  $ voxpix download vgg19 alexnet --out weights",
    )
    .action(async (names: string[], options: DownloadArguments) => {
      if (options.list === true || names.length === 0) {
        process.stdout.write(
          options.json === true ? `${JSON.stringify({ downloads, onRequest })}\n` : `${downloadList()}\n`,
        );
        return;
      }
      if (options.url !== undefined && names.length > 1)
        throw new UsageError("--url is for one name, several were given");
      const items = names.map(find);
      for (const item of items) await fetchOne(item, options);
    });
}
