// The same work in voxpix, jax-js, tfjs (WebGPU and WASM) and PyTorch, a process each, in turns.
//
//   npm install --prefix bench/peers && npm run bench:peers -- [--rounds 5] [--json file] [--quick] [filter]
//
// Each library's first 64 numbers of each result must agree with ours, or the row says so. Times are wall times of a call, the
// best of the rounds, and the CPU time of the whole process; ratios are of wall times, theirs to ours. PyTorch joins where
// python3 has it. Without bench/peers/node_modules there is nothing to compare with, and the command says so and ends.
import { fork, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { environment, heading, open, options, summary, table, writeJson } from "./common.mjs";

const { values, positionals } = options({ rounds: { type: "string", default: "5" } });
const [filter = ""] = positionals;
const { quick } = values;
const rounds = quick ? 1 : Number(values.rounds);
const folder = new URL("peers/", import.meta.url);
if (!existsSync(new URL("node_modules/tfjs-bundle.cjs", folder))) {
  console.log("bench:peers: the other libraries are not installed; run: npm install --prefix bench/peers");
  process.exit(0);
}
const env = { ...process.env, ...(values.adapter ? { VOXPIX_ADAPTER: values.adapter } : {}) };

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

const size = quick
  ? { n: 64, N: 2, H: 8, C: 8, side: 16, channels: 8, voxels: 20 }
  : { n: 512, N: 16, H: 56, C: 64, side: 56, channels: 32, voxels: 500 };
const map = { N: size.N, H: size.H, C: size.C, O: size.C, K: 3, S: 1 };
const convFlops = 2 * 9 * size.C * size.C * size.N * size.H * size.H;
const label = `${size.N} x ${size.H} x ${size.H} x ${size.C}`;
const rows = [
  { name: `matmul ${size.n}`, row: { op: "matmul", n: size.n }, flops: 2 * size.n ** 3 },
  { name: `matmul ${2 * size.n}`, row: { op: "matmul", n: 2 * size.n }, flops: 2 * (2 * size.n) ** 3 },
  { name: `conv2d 3 x 3 ${label}`, row: { op: "conv", ...map }, flops: convFlops },
  { name: `conv2d input gradient ${label}`, row: { op: "convdx", ...map }, flops: convFlops },
  { name: `conv2d weight gradient ${label}`, row: { op: "convdw", ...map }, flops: convFlops },
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
    entry.calls = quick ? 1 : Math.max(1, Math.ceil(300 / wall));
  }
  for (let round = 0; round < rounds; round++) {
    for (const entry of running)
      if (!entry.error) entry.times.push(await entry.worker.ask({ what: "time", calls: entry.calls }));
  }
  return entries.map(({ library, error, probe, firstMs, times }) => {
    if (error || times.some((t) => t.error)) return { name, library, error: error ?? times.find((t) => t.error).error };
    const wall = summary(times.map((t) => t.wall));
    const cpuMs = summary(times.map((t) => t.cpu)).median;
    const ratio = wall.best / Math.min(...ours.times.map((t) => t.wall));
    const gflops = flops ? flops / wall.best / 1e6 : null;
    return {
      name,
      library,
      firstMs,
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
const candidates = [node("voxpix"), node("jaxjs"), node("tfjs", "webgpu"), node("tfjs", "wasm"), python()];
const workers = [];
for (const each of candidates) {
  const { error } = await each.ready;
  if (error) console.log(`left out: ${each.name}: ${error}`);
  else workers.push(each);
}
const results = [];
for (const entry of rows) results.push(...(await measure(workers, entry)));
const fixed = (value, digits = 1) => (value === null || value === undefined ? "" : value.toFixed(digits));
table(
  ["work", "library", "ms", "spread", "CPU ms", "first ms", "GFLOP/s", "times ours", "same numbers"],
  results.map((r) =>
    r.error
      ? [r.name, r.library, r.error.slice(0, 60), "", "", "", "", "", ""]
      : [
          r.name,
          r.library,
          fixed(r.wallMs, 2),
          `${fixed(100 * r.spread, 0)} %`,
          fixed(r.cpuMs, 1),
          fixed(r.firstMs, 0),
          fixed(r.gflops),
          fixed(r.ratio, 2),
          r.agrees ? "yes" : "NO",
        ],
  ),
);
for (const library of workers.map(({ name }) => name).slice(1)) {
  const ratios = results.filter((r) => r.library === library && r.ratio).map((r) => r.ratio);
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  console.log(`${library}: ${fixed(mean, 2)} times our time, geometric mean of ${ratios.length} rows`);
}
writeJson(values.json, { ...about, setting: { rounds, quick, ...size }, results });
for (const each of workers) each.end();
process.exit(0);
