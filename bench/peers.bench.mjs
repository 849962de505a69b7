// The same work in voxpix, jax-js, tfjs (WebGPU and WASM), onnxruntime-node (forward only) and PyTorch, a process each, in turns.
//
//   npm install --prefix bench/peers && npm run bench:peers -- [--rounds 5] [--cold] [--json file] [--quick] [filter]
//
// "first ms" is the first call with its compilation; --cold turns off the cache in which Mesa's drivers keep compiled shaders.
// Dispatches, submits and the peak of the buffers' bytes are counted at WebGPU's own functions, alike for every library.
//
// Each library's first 64 numbers of each result must agree with ours, or the row says so. Times are wall times of a call, the
// best of the rounds, and the CPU time of the whole process; ratios are of wall times, theirs to ours. PyTorch joins where
// python3 has it. Without bench/peers/node_modules there is nothing to compare with, and the command says so and ends.
import { fork, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { environment, heading, open, options, summary, table, writeJson } from "./common.mjs";

const { values, positionals } = options({
  rounds: { type: "string", default: "5" },
  cold: { type: "boolean", default: false },
});
const [filter = ""] = positionals;
const { quick } = values;
const rounds = quick ? 1 : Number(values.rounds);
const folder = new URL("peers/", import.meta.url);
if (!existsSync(new URL("node_modules/tfjs-bundle.cjs", folder))) {
  console.log("bench:peers: the other libraries are not installed; run: npm install --prefix bench/peers");
  process.exit(0);
}
const env = {
  ...process.env,
  ...(values.adapter ? { VOXPIX_ADAPTER: values.adapter } : {}),
  ...(values.cold ? { MESA_SHADER_CACHE_DISABLE: "true" } : {}),
};

/** A worker in a process of its own; `ask` sends one message and waits for the answer. */
function worker(name, start) {
  const { send, onReply, end } = start();
  const waiting = [];
  let dead = null;
  onReply(
    (reply) => waiting.shift()?.(reply),
    (why) => {
      dead = why;
      for (const answer of waiting.splice(0)) answer({ error: why });
    },
  );
  const next = () => (dead ? Promise.resolve({ error: dead }) : new Promise((resolve) => waiting.push(resolve)));
  const ready = next();
  return {
    name,
    ready,
    end,
    ask(message) {
      const reply = next();
      if (!dead) send(message);
      return reply;
    },
  };
}
const node = (file, ...args) =>
  worker(args.length > 0 ? `${file} ${args.join(" ")}` : file, () => {
    const child = fork(new URL(`${file}.mjs`, folder), args, { env, stdio: ["ignore", "ignore", "ignore", "ipc"] });
    return {
      send: (message) => child.send(message),
      onReply: (reply, died) => {
        child.on("message", reply);
        child.on("exit", (code) => died(`the process ended with ${code}`));
      },
      end: () => child.kill(),
    };
  });
const python = () =>
  worker("torch", () => {
    const child = spawn(process.env.PYTHON ?? "python3", [new URL("torch_worker.py", folder).pathname], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    return {
      send: (message) => child.stdin.write(`${JSON.stringify(message)}\n`),
      onReply: (reply, died) => {
        createInterface({ input: child.stdout }).on("line", (line) => reply(JSON.parse(line)));
        child.on("error", () => died("there is no python3"));
        child.on("exit", (code) => died(`the process ended with ${code}`));
      },
      end: () => child.kill(),
    };
  });

const size = quick ? { N: 2, side: 16, channels: 8, voxels: 20 } : { N: 16, side: 56, channels: 32, voxels: 500 };
const at = (n, small) => (quick ? small : n);
const product = (M, K, N) => ({
  name: `matmul ${M} x ${K} x ${N}`,
  row: { op: "matmul", M, K, N },
  flops: 2 * M * K * N,
});
/** Rows of one convolution: `kinds` of forward, input gradient, weight gradient. */
function convolution({ N, H, W, C, O, K, S = 1 }, kinds = ["conv", "convdx", "convdw"]) {
  const titles = { conv: "conv2d", convdx: "conv2d input gradient", convdw: "conv2d weight gradient" };
  const flops = 2 * N * Math.ceil(H / S) * Math.ceil(W / S) * K * K * C * O;
  const label = `${N} x ${H} x ${W}, ${C} to ${O}, ${K} x ${K}${S > 1 ? ` / ${S}` : ""}`;
  return kinds.map((op) => ({ name: `${titles[op]} ${label}`, row: { op, N, H, W, C, O, K, S }, flops }));
}
const map = { N: size.N, H: at(56, 8), W: at(56, 8), C: at(64, 8), O: at(64, 8), K: 3, S: 1 };
const label = `${map.N} x ${map.H} x ${map.W} x ${map.C}`;
const rows = [
  product(at(512, 64), at(512, 64), at(512, 64)),
  product(at(1024, 128), at(1024, 128), at(1024, 128)),
  product(size.N, at(2240, 30), at(12544, 50)),
  ...convolution(map),
  ...convolution({ N: at(8, 2), H: at(112, 12), W: at(112, 12), C: 3, O: at(64, 8), K: 3 }),
  ...convolution({ N: at(16, 2), H: at(56, 12), W: at(56, 12), C: at(96, 8), O: at(32, 8), K: 3, S: 2 }),
  ...convolution({ N: at(3, 2), H: at(113, 13), W: at(111, 11), C: at(61, 7), O: at(61, 7), K: 3 }),
  ...convolution({ N: at(3, 2), H: at(112, 12), W: at(112, 12), C: at(64, 8), O: at(64, 8), K: 3 }),
  { name: `batch norm ${label}`, row: { op: "norm", ...map } },
  { name: `upsample x 2 ${label}`, row: { op: "upsample", ...map } },
  { name: "training step, small Encoder", row: { op: "encoder", ...size } },
  { name: "training step, small Decoder", row: { op: "decoder", ...size } },
].filter(({ name }) => name.includes(filter));

function agree(a, b) {
  const largest = Math.max(...a.map(Math.abs));
  return a.length === b.length && a.every((value, i) => Math.abs(value - b[i]) <= 2e-5 * largest);
}

async function measure(workers, { name, row, flops }) {
  const entries = [];
  for (const each of workers) {
    const prepared = await each.ask({ what: "prepare", row });
    entries.push({ library: each.name, worker: each, ...prepared, times: [] });
  }
  const [ours] = entries;
  if (ours.error) throw new Error(`voxpix, ${name}: ${ours.error}`);
  const running = entries.filter(({ error }) => !error);
  for (const entry of running) {
    const { wall, error } = await entry.worker.ask({ what: "time", calls: 1 });
    entry.error = error;
    entry.calls = quick ? 1 : Math.max(1, Math.ceil(200 / wall));
    // Once is enough to know that something takes seconds.
    entry.rounds = wall > 3000 ? 1 : rounds;
  }
  for (let round = 0; round < rounds; round++) {
    for (const entry of running)
      if (!entry.error && round < entry.rounds)
        entry.times.push(await entry.worker.ask({ what: "time", calls: entry.calls }));
  }
  return entries.map(({ library, error, probe, firstMs, pipelines, times }) => {
    if (error || times.some((t) => t.error)) return { name, library, error: error ?? times.find((t) => t.error).error };
    const wall = summary(times.map((t) => t.wall));
    const cpuMs = summary(times.map((t) => t.cpu)).median;
    const ratio = wall.best / Math.min(...ours.times.map((t) => t.wall));
    const gflops = flops ? flops / wall.best / 1e6 : null;
    const { dispatches, submits, peakBytes } = times[0];
    return {
      name,
      library,
      firstMs,
      pipelines,
      dispatches,
      submits,
      peakMiB: peakBytes && peakBytes / 2 ** 20,
      wallMs: wall.best,
      spread: wall.spread,
      cpuMs,
      gflops,
      ratio,
      agrees: agree(ours.probe, probe),
    };
  });
}

const device = await open(values);
console.log(heading(device));
const about = environment(device);
device.destroy();
const candidates = [
  node("voxpix"),
  node("jaxjs"),
  node("tfjs", "webgpu"),
  node("tfjs", "wasm"),
  node("onnxruntime"),
  python(),
];
const workers = [];
for (const each of candidates) {
  const { error } = await each.ready;
  if (error) console.log(`left out: ${each.name}: ${error}`);
  else workers.push(each);
}
const results = [];
const save = () =>
  writeJson(values.json, { ...about, setting: { rounds, quick, cold: values.cold, ...size }, results });
for (const entry of rows) {
  results.push(...(await measure(workers, entry)));
  // What is measured is kept, should the rest be interrupted.
  save();
}
const fixed = (value, digits = 1) => (value === null || value === undefined ? "" : value.toFixed(digits));
const blanks = new Array(10).fill("");
table(
  [
    ...["work", "library", "ms", "spread", "CPU ms", "first ms", "GFLOP/s"],
    ...["dispatches", "submits", "peak MiB", "times ours", "same numbers"],
  ],
  results.map((r) =>
    r.error
      ? [r.name, r.library, r.error.slice(0, 40), ...blanks.slice(1)]
      : [
          ...[r.name, r.library, fixed(r.wallMs, 2), `${fixed(100 * r.spread, 0)} %`, fixed(r.cpuMs)],
          ...[fixed(r.firstMs, 0), fixed(r.gflops), fixed(r.dispatches, 0), fixed(r.submits, 1), fixed(r.peakMiB)],
          ...[fixed(r.ratio, 2), r.agrees ? "yes" : "NO"],
        ],
  ),
);
for (const library of workers.map(({ name }) => name).slice(1)) {
  const ratios = results.filter((r) => r.library === library && r.ratio).map((r) => r.ratio);
  if (ratios.length === 0) continue;
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  console.log(`${library}: ${fixed(mean, 2)} times our time, geometric mean of ${ratios.length} rows`);
}
for (const each of workers) each.end();
process.exit(0);
