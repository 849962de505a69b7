/** Whether the heaps of an HDF5 file, where texts of any length lie, are whole: the library never returns from one that holds zeros. */
import { closeSync, openSync, readSync } from "node:fs";
import { DataError } from "./errors.js";

// Signature and version of a heap, then three zeros and its size (HDF5 File Format Specification, III.E).
const HEAP = Buffer.from([0x47, 0x43, 0x4f, 0x4c, 1, 0, 0, 0]);
const HEAD_BYTES = 16;
const BLOCK = 2 ** 20;

/** Whether each object of a heap ends within it, and none is empty free space. */
function isWhole(heap: Buffer): boolean {
  for (let at = HEAD_BYTES; at + HEAD_BYTES <= heap.length; ) {
    const index = heap.readUInt16LE(at);
    const size = Number(heap.readBigUInt64LE(at + 8));
    // Object 0 is the free space behind the others; its size counts its own head.
    const bytes = index === 0 ? size : HEAD_BYTES + Math.ceil(size / 8) * 8;
    if (bytes === 0 || at + bytes > heap.length) return false;
    at += bytes;
  }
  return true;
}

/**
 * Looks at every heap of a file.
 *
 * @throws {DataError} when one is damaged.
 */
export function checkHeaps(path: string): void {
  const file = openSync(path, "r");
  const read = (start: number, count: number) => {
    const bytes = Buffer.alloc(count);
    return bytes.subarray(0, readSync(file, bytes, 0, count, start));
  };
  try {
    for (let start = 0; ; start += BLOCK) {
      // The next block's first bytes too, so that no signature is cut in two.
      const block = read(start, BLOCK + HEAP.length);
      for (let at = block.indexOf(HEAP); at >= 0 && at < BLOCK; at = block.indexOf(HEAP, at + 1)) {
        const head = read(start + at, HEAD_BYTES);
        const size = head.length < HEAD_BYTES ? 0 : Number(head.readBigUInt64LE(8));
        // Heaps of text are small; a larger one is a chance likeness among numbers.
        if (size <= 2 ** 28 && !isWhole(read(start + at, Math.max(size, HEAD_BYTES)))) {
          throw new DataError(
            `${path}: truncated or damaged HDF5 file (the texts at byte ${start + at})`,
            "Copy or download it again.",
          );
        }
      }
      if (block.length < BLOCK + HEAP.length) return;
    }
  } finally {
    closeSync(file);
  }
}
