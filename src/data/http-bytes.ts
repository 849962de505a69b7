/** Bytes behind HTTP, by range: a few layers of a network need not cost the download of all. */
import { setTimeout as pause } from "node:timers/promises";
import { DataError } from "./errors.js";
import { type ByteSource, beyondEnd } from "./file-bytes.js";
import {
  type Answer,
  contentRange,
  isPacked,
  mayPass,
  networkReason,
  request,
  retryAfterMs,
  validatorOf,
} from "./http.js";

const ATTEMPTS = 3;

/** The state of the file that the first answer was about. */
interface Origin {
  readonly size: number;
  readonly validator: string | null;
}

/** Bytes that came, or why none did; `waitMs` before the next try, `null` where none would help. */
type Outcome = { readonly bytes: Uint8Array; readonly origin: Origin } | { reason: string; waitMs: number | null };

/** Where a server does not say which state of the file it sends, the size must do. */
function isSame(a: Origin, b: Origin): boolean {
  return a.size === b.size && (a.validator === null || b.validator === null || a.validator === b.validator);
}

function wholeOnly(url: string): DataError {
  return new DataError(
    `${url}: the server sends whole files only, not ranges`,
    "Download the file and name it instead.",
  );
}

/** The body, which must be `wanted` bytes: more are not waited for. */
async function exactly(answer: Answer, wanted: number): Promise<Uint8Array | number> {
  const bytes = new Uint8Array(wanted);
  let filled = 0;
  for await (const chunk of answer.body()) {
    if (filled + chunk.length > wanted) {
      await answer.cancel();
      return filled + chunk.length;
    }
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return filled === wanted ? bytes : filled;
}

async function ask(url: string, start: number, end: number): Promise<Outcome> {
  const answer = await request(url, { Range: `bytes=${start}-${end - 1}` });
  const { response } = answer;
  if (response.status !== 206) {
    await answer.cancel();
    if (response.ok) throw wholeOnly(url);
    const waitMs = mayPass(response.status) ? retryAfterMs(response) : null;
    return { reason: `HTTP ${response.status}`, waitMs };
  }
  const range = contentRange(response);
  if (range === null || range.start !== start || range.end > end || isPacked(response)) {
    await answer.cancel();
    const said = response.headers.get(isPacked(response) ? "content-encoding" : "content-range");
    return { reason: `bytes ${start}-${end - 1} were asked for, the server sent ${said}`, waitMs: null };
  }
  const bytes = await exactly(answer, Math.min(end, range.size) - start);
  if (typeof bytes === "number") return { reason: `${bytes} bytes came for ${end - start}`, waitMs: 0 };
  return { bytes, origin: { size: range.size, validator: validatorOf(response) } };
}

async function read(url: string, start: number, end: number): Promise<{ bytes: Uint8Array; origin: Origin }> {
  let reason = "";
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    let waitMs: number | null = 0;
    try {
      const outcome = await ask(url, start, end);
      if ("bytes" in outcome) return outcome;
      ({ reason, waitMs } = outcome);
    } catch (error) {
      if (error instanceof DataError) throw error;
      reason = networkReason(error);
    }
    if (waitMs === null) break;
    if (attempt < ATTEMPTS) await pause(Math.max(200 * attempt, waitMs));
  }
  throw new DataError(`${url}: cannot be read (${reason})`, "Check the address and the network, or download the file.");
}

/**
 * Opens an address for reading in parts.
 *
 * @throws {DataError} when it cannot be reached, the server does not answer requests for ranges, or the file changes while it is read.
 */
export async function openUrl(url: string): Promise<ByteSource> {
  const { origin } = await read(url, 0, 1);
  const { size } = origin;
  return {
    file: url,
    size,
    async read(start, end) {
      if (start < 0 || end > size || start > end) throw beyondEnd(url, end, size);
      if (start === end) return new Uint8Array(0);
      const answer = await read(url, start, end);
      if (isSame(answer.origin, origin)) return answer.bytes;
      throw new DataError(
        `${url}: the file changed on the server while it was read`,
        "Run the command again, or download the file.",
      );
    },
    close: () => Promise.resolve(),
  };
}
