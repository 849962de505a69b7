/** The files in a folder and the folders below it: image collections come nested, by class. */
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "./errors.js";
import { fileOrFolder, unreadable } from "./files.js";
import { isImageName } from "./images.js";

/**
 * Paths, relative to `folder`, of the files in it and below that `wanted` accepts; hidden ones are left out, links are followed, and a
 * folder that links lead to twice counts once. In code-unit order, the same on every system.
 *
 * @throws {DataError} when there is no such folder, or a folder below it cannot be read.
 */
export async function listTree(folder: string, wanted: (name: string) => boolean): Promise<string[]> {
  if ((await fileOrFolder(folder)) === "file") {
    throw new DataError(`${folder}: is a file, expected a folder`, "Name the folder that holds it.");
  }
  const found: string[] = [];
  const visited = new Set<string>();
  const walk = async (below: string): Promise<void> => {
    const path = join(folder, below);
    const real = await realpath(path);
    if (visited.has(real)) return;
    visited.add(real);
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      throw unreadable(path, error);
    });
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      const name = join(below, entry.name);
      const info = entry.isSymbolicLink() ? await stat(join(folder, name)).catch(() => null) : entry;
      if (info?.isDirectory()) await walk(name);
      else if (info?.isFile() && wanted(entry.name)) found.push(name);
    }
  };
  await walk("");
  return found.sort();
}

/**
 * The image files in a folder and below.
 *
 * @throws {DataError} as {@link listTree}, and when there is none.
 */
export async function listImages(folder: string): Promise<string[]> {
  const names = await listTree(folder, isImageName);
  if (names.length > 0) return names;
  throw new DataError(
    `${folder}: no image in this folder or below`,
    "Put JPEG, PNG, WebP, GIF, TIFF or AVIF files into it.",
  );
}
