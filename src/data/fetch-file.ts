/** Downloads that survive broken connections: a `.part` file that grows, a checksum, and the name only when all is there. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { appendFile, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DataError } from "./errors.js";

/** How a file is fetched. */
export interface FetchOptions {
  /** SHA-256 in hexadecimal, or its beginning; `null` to only report it. */
  readonly sha256: string | null;
  /** Times to go on after a broken connection that brought nothing new. Default 5. */
  readonly attempts?: number;
  /** Milliseconds to wait before the first new attempt, doubled each time. Default 1000. */
  readonly waitMs?: number;
  /** Called as bytes come, with all that are there and all there will be (`null`: not told). */
  readonly onProgress?: (done: number, total: number | null) => void;
}

/** What was fetched. */
export interface Fetched {
  readonly bytes: number;
  readonly sha256: string;
  /** Bytes that an earlier try had left. */
  readonly resumedFrom: number;
}

/** What the server said about the file that a `.part` belongs to. */
interface Origin {
  readonly url: string;
  /** ETag or Last-Modified: says whether the file is still the same. */
  readonly validator: string | null;
}

const sizeOf = (path: string) =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** The SHA-256 of a file, read in parts. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

async function readOrigin(path: string): Promise<Origin | null> {
  return readFile(path, "utf8").then(
    (text) => JSON.parse(text) as Origin,
    () => null,
  );
}

/**
 * Fetches `url` into the file `path`. What comes goes into `path.part`; a broken connection is taken up where it broke, in this call or a
 * later one, if the server still has the same file (If-Range) and answers ranges; else the file is fetched from its start. The file gets
 * its name only when it is whole and its checksum is right.
 *
 * @throws {DataError} when the server refuses, the connection breaks again and again (what came is kept), or the checksum is wrong
 *   (then it is not).
 */
export async function fetchFile(url: string, path: string, options: FetchOptions): Promise<Fetched> {
  const { attempts = 5, waitMs = 1000 } = options;
  const part = `${path}.part`;
  await mkdir(dirname(path), { recursive: true });
  const left = await startFrom(url, part);
  let first: number | null = null;
  const onProgress = (done: number, total: number | null) => {
    first ??= done;
    options.onProgress?.(done, total);
  };
  for (let failures = 0; ; ) {
    const before = await sizeOf(part);
    const outcome = await receive(url, part, onProgress);
    if (outcome === "done") break;
    if (outcome.refused)
      throw new DataError(`${url}: ${outcome.reason}`, "Check the address, or fetch the file by hand.");
    failures = (await sizeOf(part)) > before ? 1 : failures + 1;
    if (failures >= attempts) {
      throw new DataError(
        `${url}: the connection broke ${failures} times (${outcome.reason}); ${await sizeOf(part)} bytes are in ${part}`,
        "Run the command again to go on.",
      );
    }
    await pause(waitMs * 2 ** (failures - 1));
  }
  return finish(url, path, options.sha256, first ?? left);
}

/** Bytes of an earlier try that can be used: those of the same address. */
async function startFrom(url: string, part: string): Promise<number> {
  const size = await sizeOf(part);
  if (size > 0 && (await readOrigin(`${part}.json`))?.url === url) return size;
  await rm(part, { force: true });
  await rm(`${part}.json`, { force: true });
  return 0;
}

type Outcome = "done" | { readonly refused: boolean; readonly reason: string };

async function receive(
  url: string,
  part: string,
  onProgress: NonNullable<FetchOptions["onProgress"]>,
): Promise<Outcome> {
  const start = await sizeOf(part);
  const validator = (await readOrigin(`${part}.json`))?.validator ?? null;
  // Without a validator the server could answer with the rest of another file.
  const ranged = start > 0 && validator !== null;
  const headers: Record<string, string> = ranged ? { Range: `bytes=${start}-`, "If-Range": validator } : {};
  try {
    const response = await fetch(url, { headers: { ...headers, "Accept-Encoding": "identity" } });
    if (ranged && response.status === 416) {
      await response.body?.cancel();
      return onRangeError(response, start, part);
    }
    if (!response.ok) {
      await response.body?.cancel();
      const passing = response.status === 408 || response.status === 429 || response.status >= 500;
      return { refused: !passing, reason: `HTTP ${response.status}` };
    }
    return await append(response, url, part, ranged && response.status === 206 ? start : 0, onProgress);
  } catch (error) {
    // A disk that cannot be written is no broken connection.
    if (error instanceof Error && "syscall" in error && "path" in error) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
    return { refused: false, reason: `${error instanceof Error ? error.message : String(error)}${cause}` };
  }
}

/** The rest was asked for and there is none: all is there already, or the part is longer than the file and starts anew. */
async function onRangeError(response: Response, start: number, part: string): Promise<Outcome> {
  const total = Number(/\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1]);
  if (total === start) return "done";
  await rm(part, { force: true });
  return { refused: false, reason: "the server has no such range" };
}

async function append(
  response: Response,
  url: string,
  part: string,
  start: number,
  onProgress: NonNullable<FetchOptions["onProgress"]>,
): Promise<Outcome> {
  const length = response.headers.get("content-length");
  const total = length === null ? null : start + Number(length);
  if (start === 0) {
    const etag = response.headers.get("etag");
    // A weak tag says that files are alike, not that their bytes are.
    const validator = etag !== null && !etag.startsWith("W/") ? etag : response.headers.get("last-modified");
    await writeFile(part, "");
    await writeFile(`${part}.json`, JSON.stringify({ url, validator } satisfies Origin));
  }
  let done = start;
  onProgress(done, total);
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    await appendFile(part, chunk);
    done += chunk.length;
    onProgress(done, total);
  }
  if (total === null || done === total) return "done";
  return { refused: false, reason: `${done} of ${total} bytes came` };
}

async function finish(url: string, path: string, expected: string | null, resumedFrom: number): Promise<Fetched> {
  const part = `${path}.part`;
  const sha256 = await sha256Of(part);
  if (expected !== null && !sha256.startsWith(expected.toLowerCase())) {
    await rm(part, { force: true });
    await rm(`${part}.json`, { force: true });
    throw new DataError(
      `${url}: the checksum is wrong: SHA-256 ${sha256}, expected ${expected}${expected.length < 64 ? "..." : ""}`,
      "What came was thrown away; try again, and if it stays so, do not trust the source.",
    );
  }
  const bytes = await sizeOf(part);
  await rename(part, path);
  await rm(`${part}.json`, { force: true });
  return { bytes, sha256, resumedFrom };
}
