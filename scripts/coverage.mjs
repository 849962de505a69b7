/**
 * Writes docs/coverage.md: first the PyTorch cases, whose errors are noted down, then test/coverage, which measures the gradients of
 * every op and writes the page.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "voxpix-coverage-"));
const env = { ...process.env, VOXPIX_COVERAGE: join(folder, "errors.jsonl") };

/** @param {string[]} files */
const run = (...files) => {
  const { status } = spawnSync("npx", ["vitest", "run", ...files, "--maxWorkers=1"], { env, stdio: "inherit" });
  if (status !== 0) process.exitCode = status ?? 1;
  return status === 0;
};

if (run("test/torch", "test/nn/torch-losses.test.ts")) run("test/coverage");
rmSync(folder, { recursive: true });
