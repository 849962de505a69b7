/**
 * Set-up of `npm run mutate`, read by every test file: changes one kernel as VOXPIX_MUTANT says, or writes down which kernels each test
 * file launches (VOXPIX_LAUNCHES names the file that takes it, a line of JSON for each test file).
 */
import { appendFileSync } from "node:fs";
import { afterAll, expect } from "vitest";
import { Dispatcher } from "../../src/kernels/dispatcher.js";
import { maths, sources } from "../../src/kernels/generated.js";
import type { KernelSource } from "../../src/kernels/kernel.js";
import { link, specialize } from "../../src/kernels/specialize.js";

/** A change of one kernel's code, or of the function `name` of wgsl/maths when `kernel` is `maths/name`: `length` characters from `at` become `text`. */
interface Mutant {
  readonly kernel: string;
  readonly at: number;
  readonly length: number;
  readonly text: string;
}

const state = globalThis as { voxpixLaunched?: Set<string>; voxpixMutated?: boolean };
const kernels = sources as unknown as Record<string, { code: string }>;
const functions = maths as Record<string, string>;
const linked = new Map<string, string[]>();

/** The functions of wgsl/maths that a kernel is linked with, as `maths/name`. */
function mathsIn(source: KernelSource, constants: Readonly<Record<string, string | number | undefined>>): string[] {
  const key = `${source.name} ${JSON.stringify(constants)}`;
  let names = linked.get(key);
  if (!names) {
    const code = link(specialize(source.code, constants as Record<string, string | number>), maths);
    names = Object.keys(maths).filter((name) => code.includes(maths[name]!));
    linked.set(key, names);
  }
  return names.map((name) => `maths/${name}`);
}

if (process.env["VOXPIX_MUTANT"] && !state.voxpixMutated) {
  const { kernel, at, length, text } = JSON.parse(process.env["VOXPIX_MUTANT"]) as Mutant;
  const changed = (code: string) => code.slice(0, at) + text + code.slice(at + length);
  const name = kernel.replace(/^maths\//, "");
  if (name !== kernel) functions[name] = changed(functions[name]!);
  else kernels[kernel]!.code = changed(kernels[kernel]!.code);
  state.voxpixMutated = true;
}

const log = process.env["VOXPIX_LAUNCHES"];
if (log) {
  const start = performance.now();
  if (!state.voxpixLaunched) {
    const launched = new Set<string>();
    state.voxpixLaunched = launched;
    const launch = Dispatcher.prototype.launch;
    Dispatcher.prototype.launch = function (this: Dispatcher, source, options) {
      launched.add(source.name);
      // What the host writes for several parameters, and without some state, is made of the file that it is named after.
      launched.add(source.name.replace(/-x\d+(-no-.*)?$/, ""));
      for (const name of mathsIn(source, options.constants ?? {})) launched.add(name);
      return launch.call(this, source, options);
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
