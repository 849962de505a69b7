/** Requests that end: a server that says nothing more is given up, and what went wrong is said in words. */
import { DataError } from "./errors.js";

/** Milliseconds without a single byte after which a connection counts as broken. */
export const STALL_MS = 60_000;
/** The longest that a server's Retry-After is obeyed, in milliseconds. */
const LONGEST_WAIT_MS = 120_000;

/** An answer, and its body as it comes. */
export interface Answer {
  readonly response: Response;
  /** The bytes; throws where the connection breaks, or none come for `stallMs`. */
  body(): AsyncGenerator<Uint8Array>;
  /** Reads no further. */
  cancel(): Promise<void>;
}

/**
 * Asks for `url`. Bytes are asked for as they are stored (`Accept-Encoding: identity`).
 *
 * @param headers - Further headers.
 * @param stallMs - Milliseconds of silence after which the request fails. Default 60,000.
 * @throws {DataError} when the address is none, is not for HTTP, or leads in a circle: no later try will do better.
 * @throws {Error} when the server cannot be reached; {@link networkReason} says why.
 */
export async function request(url: string, headers: Record<string, string>, stallMs = STALL_MS): Promise<Answer> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new DataError(`${url}: not an address`, "Give one that begins with https:// or http://.");
  }
  const stopper = new AbortController();
  const watch = <T>(work: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => stopper.abort(new Error(`no answer for ${stallMs / 1000} s`)), stallMs);
    return work.finally(() => clearTimeout(timer));
  };
  const asked = fetch(url, { headers: { ...headers, "Accept-Encoding": "identity" }, signal: stopper.signal });
  const response = await watch(asked).catch((error: unknown) => {
    if (/redirect count exceeded/.test(networkReason(error))) {
      throw new DataError(`${url}: the server sends from address to address`, "Check the address.");
    }
    throw error;
  });
  const reader = response.body?.getReader();
  return {
    response,
    async *body() {
      for (;;) {
        const next = reader === undefined ? null : await watch(reader.read());
        if (next === null || next.done) return;
        yield next.value;
      }
    },
    cancel: async () => void (await reader?.cancel().catch(() => undefined)),
  };
}

/** Why a request failed, in one phrase: `fetch` itself only says that it did. */
export function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  // Several addresses of a host were tried: the message is empty, the code the same for all.
  return cause.message || ("code" in cause ? String(cause.code) : cause.name);
}

/** Whether a refusal may pass: the server is busy, or something behind it is. */
export const mayPass = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** Milliseconds that the server asks to be left alone, at most two minutes; 0 where it says nothing. */
export function retryAfterMs(response: Response): number {
  const text = response.headers.get("retry-after");
  if (text === null) return 0;
  const ms = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), LONGEST_WAIT_MS) : 0;
}

/** Where the bytes of an answer to a request for a range lie; `null` where it does not say. */
export function contentRange(response: Response): { start: number; end: number; size: number } | null {
  const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  return found === null ? null : { start: Number(found[1]), end: Number(found[2]) + 1, size: Number(found[3]) };
}

/** What tells one state of a file from another: a strong ETag, else its date. */
export function validatorOf(response: Response): string | null {
  const etag = response.headers.get("etag");
  // A weak tag says that files are alike, not that their bytes are.
  return etag !== null && !etag.startsWith("W/") ? etag : response.headers.get("last-modified");
}

/** Whether the body is not the stored bytes: packed in spite of `identity`. */
export const isPacked = (response: Response): boolean =>
  !/^(identity)?$/i.test(response.headers.get("content-encoding") ?? "");
