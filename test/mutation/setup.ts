/**
 * Set-up of `npm run mutate`, read by every test file: changes one kernel as VOXPIX_MUTANT says, or writes down which kernels each test
 * file launches (VOXPIX_LAUNCHES names the file that takes it, a line of JSON for each test file).
 */
import { appendFileSync } from "node:fs";
import { afterAll, expect } from "vitest";
import { Dispatcher } from "../../src/kernels/dispatcher.js";
import { sources } from "../../src/kernels/generated.js";

/** A change of one kernel's code: `length` characters from `at` become `text`. */
interface Mutant {
  readonly kernel: string;
  readonly at: number;
  readonly length: number;
  readonly text: string;
}

const state = globalThis as { voxpixLaunched?: Set<string>; voxpixMutated?: boolean };
const kernels = sources as unknown as Record<string, { code: string }>;

if (process.env["VOXPIX_MUTANT"] && !state.voxpixMutated) {
  const { kernel, at, length, text } = JSON.parse(process.env["VOXPIX_MUTANT"]) as Mutant;
  const source = kernels[kernel]!;
  source.code = source.code.slice(0, at) + text + source.code.slice(at + length);
  state.voxpixMutated = true;
}

const log = process.env["VOXPIX_LAUNCHES"];
if (log) {
  const start = performance.now();
  if (!state.voxpixLaunched) {
    const launched = new Set<string>();
    state.voxpixLaunched = launched;
    const launch = Dispatcher.prototype.launch;
    Dispatcher.prototype.launch = function (this: Dispatcher, source, ...rest) {
      launched.add(source.name);
      return launch.call(this, source, ...rest);
    };
  }
  state.voxpixLaunched.clear();
  afterAll(() => {
    const line = {
      file: expect.getState().testPath,
      ms: Math.round(performance.now() - start),
      kernels: [...(state.voxpixLaunched ?? [])],
    };
    appendFileSync(log, `${JSON.stringify(line)}\n`);
  });
}
