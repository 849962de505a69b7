/** Downloads that survive broken connections: a `.part` file that grows, a checksum, and the name only when all is there. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { appendFile, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DataError } from "./errors.js";
import {
  type Answer,
  contentRange,
  isPacked,
  mayPass,
  networkReason,
  request,
  retryAfterMs,
  STALL_MS,
  validatorOf,
} from "./http.js";

/** How a file is fetched. */
export interface FetchOptions {
  /** SHA-256 in hexadecimal, or its beginning; `null` to only report it. */
  readonly sha256: string | null;
  /** Times to go on after a broken connection that brought nothing new. Default 5. */
  readonly attempts?: number;
  /** Milliseconds to wait before the first new attempt, doubled each time. Default 1000. */
  readonly waitMs?: number;
  /** Milliseconds without a byte after which a connection counts as broken. Default 60,000. */
  readonly stallMs?: number;
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
 * its name only when it is whole and its checksum is right. A busy server's Retry-After is obeyed, up to two minutes.
 *
 * @throws {DataError} when the server refuses or sends a web page, the connection breaks again and again (what came is kept), another
 *   process writes the same file, or the checksum is wrong (then it is not).
 */
export async function fetchFile(url: string, path: string, options: FetchOptions): Promise<Fetched> {
  const { attempts = 5, waitMs = 1000, stallMs = STALL_MS } = options;
  const part = `${path}.part`;
  await mkdir(dirname(path), { recursive: true });
  const left = await startFrom(url, part);
  let first: number | null = null;
  const onProgress = (done: number, total: number | null) => {
    first ??= done;
    options.onProgress?.(done, total);
  };
  // A connection that only brings again what it brought before is no progress.
  let most = left;
  for (let failures = 0; ; ) {
    const outcome = await receive(url, part, stallMs, onProgress);
    if (outcome === "done") break;
    if (outcome.refused)
      throw new DataError(`${url}: ${outcome.reason}`, "Check the address, or fetch the file by hand.");
    const size = await sizeOf(part);
    failures = size > most ? 1 : failures + 1;
    most = Math.max(most, size);
    if (failures >= attempts) throw gaveUp(url, part, size, failures, outcome.reason);
    await pause(Math.max(waitMs * 2 ** (failures - 1), outcome.waitMs ?? 0));
  }
  return finish(url, path, options.sha256, first ?? left);
}

function gaveUp(url: string, part: string, size: number, failures: number, reason: string): DataError {
  if (size > 0) {
    return new DataError(
      `${url}: the connection broke ${failures} times (${reason}); ${size} bytes are in ${part}`,
      "Run the command again to go on.",
    );
  }
  return new DataError(
    `${url}: nothing came in ${failures} tries (${reason})`,
    "Check the network and the address, or try later.",
  );
}

/** Bytes of an earlier try that can be used: those of the same address. */
async function startFrom(url: string, part: string): Promise<number> {
  const size = await sizeOf(part);
  if (size > 0 && (await readOrigin(`${part}.json`))?.url === url) return size;
  await discard(part);
  return 0;
}

async function discard(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(`${part}.json`, { force: true });
}

type Outcome = "done" | { readonly refused: boolean; readonly reason: string; readonly waitMs?: number };

type Progress = NonNullable<FetchOptions["onProgress"]>;

const broken = (reason: string): Outcome => ({ refused: false, reason });

async function receive(url: string, part: string, stallMs: number, onProgress: Progress): Promise<Outcome> {
  const start = await sizeOf(part);
  const validator = (await readOrigin(`${part}.json`))?.validator ?? null;
  // Without a validator the server could answer with the rest of another file.
  const ranged = start > 0 && validator !== null;
  const headers: Record<string, string> = ranged ? { Range: `bytes=${start}-`, "If-Range": validator } : {};
  try {
    const answer = await request(url, headers, stallMs);
    const { response } = answer;
    const resumed = ranged && response.status === 206;
    const wrong = await refusal(response, ranged ? start : 0, resumed, part);
    if (wrong === null) return await append(answer, url, part, resumed ? start : 0, onProgress);
    await answer.cancel();
    return wrong;
  } catch (error) {
    // A disk that cannot be written is no broken connection: only the file system's errors name a call of their own.
    if (error instanceof DataError || (error instanceof Error && "syscall" in error)) throw error;
    return broken(networkReason(error));
  }
}

/** Why an answer is not the bytes that were asked for; `null` when it is. */
async function refusal(response: Response, start: number, resumed: boolean, part: string): Promise<Outcome | null> {
  if (start > 0 && response.status === 416) return onRangeError(response, start, part);
  if (!response.ok) {
    const refused = !mayPass(response.status);
    return { refused, reason: `HTTP ${response.status}`, waitMs: retryAfterMs(response) };
  }
  // A page that asks to log in, accept terms or pay for the network, with status 200.
  if (/^text\/html\b/i.test(response.headers.get("content-type") ?? "")) {
    return { refused: true, reason: "the server sent a web page, not a file" };
  }
  if (resumed && (contentRange(response)?.start !== start || isPacked(response))) {
    const said = response.headers.get("content-range") ?? "none";
    await discard(part);
    return broken(`bytes from ${start} on were asked for, the server sent ${said}`);
  }
  return null;
}

/** The rest was asked for and there is none: all is there already, or the part is longer than the file and starts anew. */
async function onRangeError(response: Response, start: number, part: string): Promise<Outcome> {
  const total = Number(/\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1]);
  if (total === start) return "done";
  await discard(part);
  return broken("the server has no such range");
}

/** Bytes that there will be in all; `null` where nobody says, or what is said counts packed bytes. */
function totalOf(response: Response, start: number): number | null {
  if (isPacked(response)) return null;
  const length = response.headers.get("content-length");
  return contentRange(response)?.size ?? (length === null ? null : start + Number(length));
}

async function append(
  answer: Answer,
  url: string,
  part: string,
  start: number,
  onProgress: Progress,
): Promise<Outcome> {
  const { response } = answer;
  const total = totalOf(response, start);
  if (start === 0) {
    await writeFile(part, "");
    // What was unpacked on the way cannot be taken up in its middle.
    const validator = isPacked(response) ? null : validatorOf(response);
    await writeFile(`${part}.json`, JSON.stringify({ url, validator } satisfies Origin));
  }
  let done = start;
  onProgress(done, total);
  for await (const chunk of answer.body()) {
    await appendFile(part, chunk);
    done += chunk.length;
    onProgress(done, total);
  }
  if ((await sizeOf(part)) !== done) {
    await discard(part);
    throw new DataError(
      `${part}: another process writes it at the same time`,
      "Let one of them end, then run the command again.",
    );
  }
  if (total === null || done === total) return "done";
  if (done > total) await discard(part);
  return broken(`${done} of ${total} bytes came`);
}

async function finish(url: string, path: string, expected: string | null, resumedFrom: number): Promise<Fetched> {
  const part = `${path}.part`;
  const sha256 = await sha256Of(part);
  if (expected !== null && !sha256.startsWith(expected.toLowerCase())) {
    await discard(part);
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
