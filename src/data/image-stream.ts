/** Photographs that stay on the disk: tens of thousands of them, of which only the batches in use are in memory. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { ImageSet } from "./dataset.js";
import { DataError } from "./errors.js";
import { listImages } from "./file-tree.js";
import { loadImageAt } from "./images.js";
import { checkSize, type Pixels, stackImages } from "./resample.js";
import type { ImageStream } from "./unlabeled-stream.js";

/** Size of the images, and who hears of unreadable files. */
export interface ImageStreamOptions {
  readonly height: number;
  readonly width: number;
  /** 3 = RGB, 1 = grey. Default 3. */
  readonly channels?: 1 | 3;
  /** Called once for each file that cannot be read, with the reason. */
  readonly onSkip?: (message: string) => void;
}

// Batches that are read ahead: one more than training asks for, so that none is thrown out before its turn.
const AHEAD = 4;
// Decoded photographs are large (a 12-megapixel one takes 180 MB), so few are in memory at once.
const DECODERS = Math.min(4, Math.max(2, availableParallelism()));
/** Unreadable files that are passed over: so many, and one in a hundred. */
const FORGIVEN = 10;

/** Lets at most `limit` tasks run at once; the others wait in line. */
function limiter(limit: number) {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(task: () => Promise<T>): Promise<T> => {
    if (running >= limit) await new Promise<void>((go) => waiting.push(go));
    running++;
    try {
      return await task();
    } finally {
      running--;
      waiting.shift()?.();
    }
  };
}

class FolderStream implements ImageStream {
  readonly names: readonly string[];
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly #folder: string;
  readonly #onSkip: (message: string) => void;
  readonly #bad = new Set<number>();
  readonly #ahead = new Map<string, Promise<ImageSet>>();
  readonly #decoder = limiter(DECODERS);

  constructor(folder: string, names: readonly string[], options: ImageStreamOptions) {
    this.#folder = folder;
    this.names = names;
    this.height = options.height;
    this.width = options.width;
    this.channels = options.channels ?? 3;
    this.#onSkip = options.onSkip ?? (() => {});
  }

  get count(): number {
    return this.names.length;
  }

  load(indices: readonly number[]): Promise<ImageSet> {
    const key = indices.join();
    const begun = this.#ahead.get(key) ?? this.#read(indices);
    this.#ahead.delete(key);
    return begun;
  }

  prefetch(indices: readonly number[]): void {
    const key = indices.join();
    if (this.#ahead.has(key)) return;
    const oldest = this.#ahead.keys().next().value;
    if (this.#ahead.size >= AHEAD && oldest !== undefined) this.#ahead.delete(oldest);
    const batch = this.#read(indices);
    // Whoever loads it hears of the failure.
    batch.catch(() => {});
    this.#ahead.set(key, batch);
  }

  async #read(indices: readonly number[]): Promise<ImageSet> {
    return stackImages(await Promise.all(indices.map((index) => this.#decoder(() => this.#image(index)))));
  }

  /** Image `index`; in place of an unreadable one the next that can be read, so that the same files give the same images. */
  async #image(index: number): Promise<Pixels> {
    for (let next = index % this.count; ; next = (next + 1) % this.count) {
      if (this.#bad.has(next)) continue;
      const path = join(this.#folder, this.names[next] ?? "");
      try {
        return await loadImageAt(path, { height: this.height, width: this.width, channels: this.channels });
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        this.#forgive(next, error);
      }
    }
  }

  #forgive(index: number, error: DataError): void {
    if (this.#bad.has(index)) return;
    this.#bad.add(index);
    if (this.#bad.size > Math.min(FORGIVEN + this.count / 100, this.count - 1)) {
      throw new DataError(
        `${this.#folder}: ${this.#bad.size} of ${this.count} images are unreadable, the last: ${error.message}`,
        "Replace or remove them.",
      );
    }
    this.#onSkip(`passed over: ${error.message}`);
  }
}

/**
 * Opens a folder of photographs, nested or not, for reading in batches. Files are found now and decoded when asked for; one that is
 * unreadable is named once and the next one takes its place, up to 10 files and 1 in 100.
 *
 * @throws {DataError} when there is no such folder or no image in it, or a size is no whole number from 1 to 8192.
 */
export async function openImageStream(folder: string, options: ImageStreamOptions): Promise<ImageStream> {
  checkSize("height", options.height);
  checkSize("width", options.width);
  return new FolderStream(folder, await listImages(folder), options);
}
