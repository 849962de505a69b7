// Speed of every hot kernel at the shapes that training has, and at odd ones; each is checked before it is timed.
//
//   npm run bench -- [--adapter swiftshader] [--batch 64,16] [--clock cpu|gpu|wall] [--json file] [--quick] [filter]
//
// Rows are timed in turns. "ms" and what follows from it is by the clock that the output names: on a GPU its timestamp queries
// where it has them, else the wall; on a software driver its CPU time spread over the cores, which other load does not lengthen
// (--clock chooses). "wall" is the best time of a call. Shares are of the adapter's
// own ceilings, timed in the same turns: a loop of multiply-adds, and a copy. --quick: small shapes, one round.
import { forceGemmVersion } from "../dist/kernels/gemm.js";
import {
  ceilingRows,
  clockName,
  environment,
  heading,
  interleave,
  msOf,
  open,
  options,
  scoped,
  summary,
  table,
  writeJson,
} from "./common.mjs";
import { denseRows, layerRows, mapRows, matmulRows, oddRows, optimizerRows } from "./kernel-rows.mjs";

const { values, positionals } = options({ batch: { type: "string" }, version: { type: "string" } });
const [filter = ""] = positionals;
const { quick } = values;
const device = await open(values);
forceGemmVersion(device, values.version ?? null);
const software = device.adapter.software;
const batches = quick ? [2] : (values.batch ?? (software ? "8" : "64,16")).split(",").map(Number);
const rows = [];
const row = (name, work, make) => {
  if (name.includes(filter)) rows.push({ name, ...work, make });
};
const context = { device, row, quick };
matmulRows(context);
for (const batch of batches) {
  denseRows({ ...context, batch });
  layerRows({ ...context, batch });
  mapRows({ ...context, batch });
}
oddRows(context);
optimizerRows(context);

console.log(heading(device));
console.log(`clock: ${clockName(device)}`);
const ceilings = ceilingRows(device);
const results = [];
/** Checks and times one row, in turns with the ceilings, so that other load falls on both. */
async function measure(entry) {
  const { run, check, dispose } = entry.make();
  const first = performance.now();
  const result = run();
  await device.finish();
  entry.compileMs = performance.now() - first;
  if (check) await check(result);
  result?.dispose();
  const timed = { run };
  await interleave(device, [timed, ...ceilings], quick ? 1 : 5, quick ? 0 : 100);
  dispose?.();
  const { median: ms, spread } = msOf(device, timed);
  const [peakFlops, peakBytes] = ceilings.map((c) => (c.flops ?? c.bytes) / msOf(device, c).median / 1e6);
  const gflops = entry.flops ? entry.flops / ms / 1e6 : null;
  const gbytes = entry.bytes / ms / 1e6;
  const wallMs = summary(timed.times.map(({ wall }) => wall)).best;
  const { name, flops = null, bytes, compileMs } = entry;
  const share = gflops ? gflops / peakFlops : gbytes / peakBytes;
  results.push({
    name,
    flops,
    bytes,
    ms,
    spread,
    wallMs,
    firstMs: compileMs,
    gflops,
    gbytes,
    share,
    peakFlops,
    peakBytes,
    checked: Boolean(check),
  });
}
const save = () =>
  writeJson(values.json, {
    ...environment(device),
    setting: { batches, quick, clock: clockName(device), seed: 1 },
    results,
  });
for (const entry of rows) {
  await scoped(device, () => measure(entry));
  // What is measured is kept, should the rest be interrupted.
  save();
}
const fixed = (value, digits = 1) => (value === null ? "" : value.toFixed(digits));
table(
  ["row", "ms", "spread", "wall", "first", "GFLOP/s", "GB/s", "of ceiling", "checked"],
  results.map((r) => [
    r.name,
    fixed(r.ms, 2),
    `${fixed(100 * r.spread, 0)} %`,
    fixed(r.wallMs, 2),
    fixed(r.firstMs, 0),
    fixed(r.gflops),
    fixed(r.gbytes),
    `${fixed(100 * r.share)} % ${r.gflops ? "FMA" : "copy"}`,
    r.checked ? "yes" : "",
  ]),
);
if (results.length > 0) {
  const middle = (key) => summary(results.map((r) => r[key])).median;
  console.log(`ceilings: ${fixed(middle("peakFlops"))} GFLOP/s multiply-adds, ${fixed(middle("peakBytes"))} GB/s copy`);
}
device.destroy();
process.exit(0);
