/** Reading files with errors that name the file: every reader of this folder goes through here. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "./errors.js";

function code(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

/** The error for a path that the system would not let be read. */
export function unreadable(path: string, error: unknown): DataError {
  const reason = code(error);
  if (reason === "ENOENT" || reason === "ENOTDIR")
    return new DataError(`${path}: no such file or folder`, "Check the path.");
  if (reason === "EACCES" || reason === "EPERM")
    return new DataError(`${path}: not readable`, "Check its permissions.");
  if (reason === "EISDIR") return new DataError(`${path}: is a folder, expected a file`, "Name a file in it.");
  if (reason === "ERR_FS_FILE_TOO_LARGE") {
    return new DataError(`${path}: larger than the 2 GiB that are read at once`, "Split the file.");
  }
  return new DataError(`${path}: cannot be read (${reason || String(error)})`, "Check the path and the disk.");
}

/**
 * The bytes of a file.
 *
 * @throws {DataError} when there is no such file, it is a folder, not readable, or empty.
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (bytes.length === 0) throw new DataError(`${path}: the file is empty`, "Copy or download it again.");
  return bytes;
}

/**
 * Whether `path` is a file or a folder.
 *
 * @throws {DataError} when it is neither, or there is nothing there.
 */
export async function fileOrFolder(path: string): Promise<"file" | "folder"> {
  const info = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (info.isFile()) return "file";
  if (info.isDirectory()) return "folder";
  throw new DataError(`${path}: neither a file nor a folder`, "Check the path.");
}

/**
 * The names (not paths) of the plain files in a folder, hidden ones left out, in code-unit order: the same on every system and locale.
 *
 * @throws {DataError} when there is no such folder or it is a file.
 */
export async function listFiles(folder: string): Promise<string[]> {
  if ((await fileOrFolder(folder)) === "file") {
    throw new DataError(`${folder}: is a file, expected a folder`, "Name the folder that holds it.");
  }
  const names = await readdir(folder).catch((error: unknown) => {
    throw unreadable(folder, error);
  });
  const kinds = await Promise.all(
    names.map(async (name) => (await stat(join(folder, name)).catch(() => null))?.isFile()),
  );
  return names.filter((name, i) => kinds[i] === true && !name.startsWith(".")).sort();
}

/** Whether anything exists at `path`. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
