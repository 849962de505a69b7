/** The package as its users get it: packed, and installed into empty projects. */
import { execFile } from "node:child_process";
import { copyFileSync, createReadStream, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGunzip } from "node:zlib";
import { extract, type Headers } from "tar-fs";

const run = promisify(execFile);
export const root = resolve(import.meta.dirname, "../..");

/** Packs what `npm run build` built. @returns the folder that everything of this test goes into, and the tarball in it. */
export async function pack(): Promise<{ folder: string; tarball: string }> {
  const folder = mkdtempSync(join(tmpdir(), "voxpix-package-"));
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await run("npm", args, { cwd: root, maxBuffer: 2 ** 26 });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  return { folder, tarball: join(folder, filename) };
}

function emptyProject(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  copyFileSync(join(root, "test/package/consumer/train.ts"), join(folder, "train.ts"));
}

/** An empty project in `folder` into which npm installs the tarball. */
export async function install(folder: string, tarball: string, ...flags: string[]): Promise<string> {
  emptyProject(folder);
  const args = ["install", tarball, "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts", ...flags];
  await run("npm", args, { cwd: folder });
  return folder;
}

/** The same without any other package, and without npm's help. */
export async function unpack(folder: string, tarball: string): Promise<string> {
  emptyProject(folder);
  const strip = { map: (header: Headers) => ({ ...header, name: header.name.replace(/^package\//, "") }) };
  await pipeline(createReadStream(tarball), createGunzip(), extract(join(folder, "node_modules/voxpix"), strip));
  return folder;
}
