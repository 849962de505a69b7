/** The README's code runs as it stands. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

test("the engine in ten lines: runs, and the loss falls", () => {
  const [, source] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8")) ?? [];
  expect(source).toBeDefined();
  const folder = mkdtempSync(join(tmpdir(), "voxpix-readme-"));
  try {
    // An empty project in which the package is installed.
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(root, join(folder, "node_modules/voxpix"));
    const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
    writeFileSync(join(folder, "readme.mjs"), ts.transpileModule(source!, { compilerOptions }).outputText);
    const output = execFileSync(process.execPath, ["readme.mjs"], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 100_000,
    });
    const losses = output.trim().split("\n").map(Number);
    expect(losses).toHaveLength(4);
    expect(losses[3]!).toBeLessThan(losses[0]! / 10);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
