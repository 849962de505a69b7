/** Files that are there whole or not at all. */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { CheckpointError } from "../model/errors.js";

/** The error for a file that the system would not let be written. */
export function unwritable(path: string, error: unknown): CheckpointError {
  const reason = error instanceof Error ? error.message.replace(/, \w+( '.*)?$/s, "") : String(error);
  const full = /^(ENOSPC|EDQUOT)/.test(reason);
  return new CheckpointError(
    `${path} cannot be written (${reason}); ${full ? "free space, then go on with --resume, or choose another folder" : "check its permissions, or choose another folder"}`,
  );
}

/**
 * Writes a file whole or not at all, whatever stops the process or fills the disk: under another name first, which it loses once every
 * byte is on the disk.
 *
 * @throws {CheckpointError} naming the path and the reason; a file that was there stays as it was.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const part = `${path}.${randomBytes(4).toString("hex")}.part`;
  try {
    const file = await open(part, "wx");
    try {
      // Unlike a single write, this goes on until all bytes are written.
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => {});
    throw unwritable(path, error);
  }
}
