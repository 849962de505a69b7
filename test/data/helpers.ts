import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect } from "vitest";
import { DataError } from "../../src/data/errors.js";

/** Path of a committed fixture. */
export const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/data/${name}`, import.meta.url));

/** A folder that is removed when the test file is done; `write` puts a file into it and returns its path. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "voxpix-data-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  return { folder, write };
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Path of `name` among the data sets that lie beside the checkout (or where VOXPIX_SHARED says), `null` when they are not there. */
export function sharedData(name: string): string | null {
  const roots = [process.env.VOXPIX_SHARED, join(ROOT, "../shared"), join(ROOT, "../../shared")];
  const path = roots
    .flatMap((root) => (root ? [join(root, "data", name)] : []))
    .find((candidate) => existsSync(candidate));
  if (path === undefined)
    console.log(`skipped: ${name} is not on this machine (set VOXPIX_SHARED to the folder that holds data/)`);
  return path ?? null;
}

/** Asserts that `work` fails with a DataError whose text matches, and returns nothing else to look at. */
export async function expectDataError(work: () => unknown, text: RegExp) {
  const error = await Promise.resolve()
    .then(work)
    .then(
      () => new Error("no error was thrown"),
      (thrown: unknown) => thrown,
    );
  expect(error).toBeInstanceOf(DataError);
  expect((error as DataError).message).toMatch(text);
  expect((error as DataError).remedy).not.toBe("");
}

/** Asserts that `work` either succeeds or fails with a DataError: what a reader owes to damaged bytes. */
export function onlyDataErrors(work: () => unknown) {
  try {
    work();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
  }
}

/** {@link onlyDataErrors} for readers that return promises. */
export async function onlyDataErrorsAsync(work: () => Promise<unknown>) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
  }
}

/** Path of a committed recording. */
export const recording = (name: string) => fileURLToPath(new URL(`../fixtures/recordings/${name}`, import.meta.url));
