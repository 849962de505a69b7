/** Parts of a file, read where they lie: archives, checkpoints and MAT files are larger than what is wanted of them. */
import { type FileHandle, open } from "node:fs/promises";
import { DataError } from "./errors.js";
import { fileOrFolder, unreadable } from "./files.js";

/** Bytes that can be asked for by position: a file, or one behind HTTP. */
export interface ByteSource {
  /** Path or address, for messages. */
  readonly file: string;
  readonly size: number;
  /**
   * The bytes `[start, end)`.
   *
   * @throws {DataError} when they reach past the end, or cannot be read.
   */
  read(start: number, end: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The error for a range that a file does not have. */
export function beyondEnd(file: string, end: number, size: number): DataError {
  return new DataError(
    `${file}: truncated or damaged: byte ${end} is needed, the file has ${size}`,
    "Copy or download it again.",
  );
}

class FileBytes implements ByteSource {
  readonly file: string;
  readonly size: number;
  readonly #handle: FileHandle;

  constructor(file: string, size: number, handle: FileHandle) {
    this.file = file;
    this.size = size;
    this.#handle = handle;
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    if (start < 0 || end > this.size || start > end) throw beyondEnd(this.file, end, this.size);
    const bytes = new Uint8Array(end - start);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await this.#handle.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) throw beyondEnd(this.file, end, start + filled);
      filled += bytesRead;
    }
    return bytes;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/**
 * Opens a file for reading in parts.
 *
 * @throws {DataError} when there is no such file, it is a folder, not readable, or empty.
 */
export async function openBytes(path: string): Promise<ByteSource> {
  if ((await fileOrFolder(path)) === "folder") {
    throw new DataError(`${path}: is a folder, expected a file`, "Name a file in it.");
  }
  const handle = await open(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const { size } = await handle.stat();
  if (size > 0) return new FileBytes(path, size, handle);
  await handle.close();
  throw new DataError(`${path}: the file is empty`, "Copy or download it again.");
}

/** Opens a file, gives it to `work`, and closes it again whatever happens. */
export async function withBytes<T>(path: string, work: (source: ByteSource) => Promise<T>): Promise<T> {
  const source = await openBytes(path);
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

/** The first bytes of a file, at most `count`: enough to tell what it is. */
export function firstBytes(path: string, count: number): Promise<Uint8Array> {
  return withBytes(path, (source) => source.read(0, Math.min(count, source.size)));
}

/** Bytes in memory as a source; `file` is the name that messages use. */
export function memoryBytes(bytes: Uint8Array, file: string): ByteSource {
  return {
    file,
    size: bytes.length,
    read(start, end) {
      if (start < 0 || end > bytes.length || start > end) return Promise.reject(beyondEnd(file, end, bytes.length));
      return Promise.resolve(bytes.subarray(start, end));
    },
    close: () => Promise.resolve(),
  };
}
