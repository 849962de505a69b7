/** Bytes behind HTTP, by range: a few layers of a network need not cost the download of all. */
import { setTimeout as pause } from "node:timers/promises";
import { DataError } from "./errors.js";
import { type ByteSource, beyondEnd } from "./file-bytes.js";

const ATTEMPTS = 3;

/** Failures that may pass: the server is busy, or the connection broke. */
function mayPass(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

async function request(url: string, start: number, end: number): Promise<{ bytes: Uint8Array; size: number }> {
  let reason = "";
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      const response = await fetch(url, { headers: { Range: `bytes=${start}-${end - 1}` } });
      const size = Number(/\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1]);
      if (response.status === 206 && Number.isSafeInteger(size)) {
        const bytes = new Uint8Array(await response.arrayBuffer());
        if (bytes.length === Math.min(end, size) - start) return { bytes, size };
        reason = `${bytes.length} bytes came for ${end - start}`;
      } else {
        await response.body?.cancel();
        if (response.ok) throw wholeOnly(url);
        reason = `HTTP ${response.status}`;
        if (!mayPass(response.status)) break;
      }
    } catch (error) {
      if (error instanceof DataError) throw error;
      reason = error instanceof Error ? error.message : String(error);
    }
    if (attempt < ATTEMPTS) await pause(200 * attempt);
  }
  throw new DataError(`${url}: cannot be read (${reason})`, "Check the address and the network, or download the file.");
}

function wholeOnly(url: string): DataError {
  return new DataError(
    `${url}: the server sends whole files only, not ranges`,
    "Download the file and name it instead.",
  );
}

/**
 * Opens an address for reading in parts.
 *
 * @throws {DataError} when it cannot be reached, or the server does not answer requests for ranges.
 */
export async function openUrl(url: string): Promise<ByteSource> {
  const { size } = await request(url, 0, 1);
  return {
    file: url,
    size,
    async read(start, end) {
      if (start < 0 || end > size || start > end) throw beyondEnd(url, end, size);
      return start === end ? new Uint8Array(0) : (await request(url, start, end)).bytes;
    },
    close: () => Promise.resolve(),
  };
}
