// What the benchmarks share: options, random numbers, statistics, what ran where, and the adapter's own ceilings.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { defineKernel } from "../dist/tensor/define-kernel.js";
import { tensor } from "../dist/tensor/tensor.js";
import { clockName, openWithGpu, readClock, stampsOf, useClock } from "./clock.mjs";

export { clockName, readClock, stampsOf };

/** Options every benchmark has, and `extra`. */
export function options(extra) {
  const shared = {
    adapter: { type: "string" },
    json: { type: "string" },
    clock: { type: "string" },
    quick: { type: "boolean", default: false },
  };
  return parseArgs({ options: { ...shared, ...extra }, allowPositionals: true });
}

/** The device that `--adapter` names, `swiftshader` or the best there is, timed by the clock that `--clock` names. */
export async function open({ adapter, clock }) {
  const { device, gpu } = await openWithGpu(adapter === "swiftshader" ? { adapter } : {});
  useClock(device, gpu, clock);
  return device;
}

/** Deterministic numbers, uniform in [low, high). */
export function uniform(count, seed = 1, low = -1, high = 1) {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x85ebca6b) >>> 0;
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    values[i] = low + ((high - low) * ((t ^ (t >>> 14)) >>> 0)) / 2 ** 32;
  }
  return values;
}

let nextSeed = 1;
/** A tensor of uniform numbers, of another seed each time. */
export const random = (device, ...shape) =>
  tensor(
    device,
    uniform(
      shape.reduce((a, b) => a * b, 1),
      nextSeed++,
    ),
    shape,
  );

/** Runs `body` in a scope of its own. */
export async function scoped(device, body) {
  const scope = device.scope();
  try {
    return await body();
  } finally {
    scope[Symbol.dispose]();
  }
}

/** The middle value, and half the distance between the quartiles as a share of it. */
export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const median = at(0.5);
  return { median, best: sorted[0], spread: median > 0 ? (at(0.75) - at(0.25)) / 2 / median : 0 };
}

/** CPU time of all threads but the main one, in ms: a software driver's workers. NaN where it cannot be read. */
export function workerMs() {
  let total = 0;
  try {
    for (const thread of readdirSync("/proc/self/task")) {
      if (Number(thread) !== process.pid)
        total += Number(readFileSync(`/proc/self/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    }
  } catch {
    return Number.NaN;
  }
  return total / 1e6;
}

/**
 * Times `run` (its result is disposed): wall, the driver's CPU time spread over the cores, which other load on a shared
 * machine does not lengthen, and the GPU's own time where that is the clock. In ms a call.
 */
export async function time(device, run, calls = 1) {
  const stamps = stampsOf(device);
  const cpu = workerMs();
  const start = performance.now();
  stamps?.begin();
  for (let i = 0; i < calls; i++) run()?.dispose();
  stamps?.end();
  await device.finish();
  const times = {
    wall: (performance.now() - start) / calls,
    cpu: (workerMs() - cpu) / availableParallelism() / calls,
  };
  return stamps ? { ...times, gpu: (await stamps.read()) / calls } : times;
}

/** Rounds of all rows in turns, so that other load falls on each alike; fills `row.times`. */
export async function interleave(device, rows, rounds, targetMs) {
  for (const row of rows) {
    row.first = (await time(device, row.run)).wall;
    row.calls = 1;
    if (targetMs === 0) continue;
    const { wall } = await time(device, row.run);
    row.calls = Math.max(1, Math.ceil(targetMs / Math.max(wall, 0.01)));
  }
  for (const row of rows) row.times = [];
  for (let round = 0; round < rounds; round++)
    for (const row of rows) row.times.push(await time(device, row.run, row.calls));
}

function commit() {
  try {
    const git = (...args) => execFileSync("git", args, { encoding: "utf8" }).trim();
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "--untracked-files=no") ? "+" : "");
  } catch {
    return "unknown";
  }
}

/** What ran where. */
export const environment = (device) => ({
  date: new Date().toISOString().slice(0, 16),
  commit: commit(),
  adapter: device.adapter,
  node: process.version,
  cpu: cpus()[0]?.model ?? "unknown",
  cores: availableParallelism(),
});

export const heading = (device) => {
  const { date, commit: id, cores, cpu } = environment(device);
  return `${device.adapter.name} | ${cpu} x ${cores} | commit ${id} | ${date}`;
};

export function writeJson(path, content) {
  if (path) writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
}

/** A table of text: numbers to the right. */
export function table(columns, rows) {
  const texts = [columns, ...rows.map((row) => row.map(String))];
  const widths = columns.map((_, i) => Math.max(...texts.map((row) => row[i].length)));
  for (const row of texts)
    console.log(row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join("  "));
}

const fma = defineKernel(`
struct Dims { n: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@compute @workgroup_size(64)
fn fma_loop(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= dims.n) { return; }
  var a = vec4f(f32(id.x) * 1e-9); var b = a + 0.1; var c = a + 0.2; var d = a + 0.3;
  var e = a + 0.4; var f = a + 0.5; var g = a + 0.6; var h = a + 0.7;
  let m = vec4f(0.999); let k = vec4f(0.001);
  for (var i = 0u; i < 256u; i++) {
    a = fma(a, m, k); b = fma(b, m, k); c = fma(c, m, k); d = fma(d, m, k);
    e = fma(e, m, k); f = fma(f, m, k); g = fma(g, m, k); h = fma(h, m, k);
  }
  let s = a + b + c + d + e + f + g + h;
  output[id.x] = s.x + s.y + s.z + s.w;
}`);
const copy = defineKernel(`
struct Dims { n: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;
@compute @workgroup_size(64)
fn copy_loop(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= dims.n) { return; }
  output[id.x] = input[id.x];
}`);

/**
 * What the adapter reaches at best, as rows to time with the others: a loop of independent multiply-adds, and a copy.
 * `ceilingsOf` reads them afterwards.
 */
export function ceilingRows(device) {
  const lanes = device.adapter.software ? 1 << 14 : 1 << 20;
  const blocks = device.adapter.software ? 1 << 21 : 1 << 22;
  const out = random(device, lanes);
  const [from, to] = [random(device, 4 * blocks), random(device, 4 * blocks)];
  return [
    {
      name: "ceiling: multiply-adds",
      flops: lanes * 256 * 8 * 4 * 2,
      run: () => fma({ output: out }, { dims: { n: lanes }, threads: lanes }),
    },
    {
      name: "ceiling: copy",
      bytes: blocks * 32,
      run: () => copy({ input: from, output: to }, { dims: { n: blocks }, threads: blocks }),
    },
  ];
}

/** Milliseconds of a row, by the device's clock. */
export const msOf = (device, row) => {
  const { median, spread, best } = summary(row.times.map((time) => readClock(device, time)));
  return { median, spread, best };
};
