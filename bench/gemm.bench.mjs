// Speed of the matrix-product family: matmul, linear, conv2d and its gradients, on shapes that training runs.
//
//   npm run build && node bench/gemm.bench.mjs [swiftshader] [lane|tile|direct] [filter]
//
// Rows are timed in turns, so that other load on the machine falls on all of them. "wall" is the best time of a call; "median" the middle one; "cpu" counts the CPU time of the driver's threads as if the cores had been free (Linux
// software drivers only, and optimistic). Right answers are the tests' business.
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { forceGemmVersion } from "../dist/kernels/gemm.js";
import { openDevice } from "../dist/kernels/open-device.js";
import { conv2d, conv2dGradInput, conv2dGradWeight } from "../dist/tensor/ops/conv2d.js";
import { linear } from "../dist/tensor/ops/linear.js";
import { matmul } from "../dist/tensor/ops/matmul.js";
import { tensor } from "../dist/tensor/tensor.js";

const words = process.argv.slice(2);
const adapter = words.includes("swiftshader") ? { adapter: "swiftshader" } : {};
const version = ["lane", "tile", "direct"].find((name) => words.includes(name)) ?? null;
const filter = words.find((word) => word !== "swiftshader" && word !== version) ?? "";
const device = await openDevice(adapter);
forceGemmVersion(device, version);

/** CPU time of all threads but the main one, in ms: the driver's workers. */
function workerMs() {
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

let seed = 1;
const random = (...shape) => {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < values.length; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    values[i] = seed / 2 ** 32 - 0.5;
  }
  return tensor(device, values, shape);
};

const rows = [];
const row = (name, flops, make) => {
  if (name.includes(filter)) rows.push({ name, flops, make });
};

for (const n of [512, 1024]) {
  for (const [form, options] of [
    ["NN", {}],
    ["NT", { transposeB: true }],
    ["TN", { transposeA: true }],
  ]) {
    row(`matmul ${n} ${form}`, 2 * n ** 3, () => {
      const [a, b] = [random(n, n), random(n, n)];
      return () => matmul(a, b, options);
    });
  }
}
row("matmul 509 NN", 2 * 509 ** 3, () => {
  const [a, b] = [random(509, 509), random(509, 509)];
  return () => matmul(a, b);
});
row("linear 16 x 2240 -> 12544", 2 * 16 * 2240 * 12544, () => {
  const [x, w, b] = [random(16, 2240), random(2240, 12544), random(12544)];
  return () => linear(x, w, b);
});
row("linear grad input 16 x 12544 -> 2240", 2 * 16 * 2240 * 12544, () => {
  const [g, w] = [random(16, 12544), random(2240, 12544)];
  return () => matmul(g, w, { transposeB: true });
});
row("linear grad weight 16 x 2240 -> 12544", 2 * 16 * 2240 * 12544, () => {
  const [x, g] = [random(16, 2240), random(16, 12544)];
  return () => matmul(x, g, { transposeA: true });
});
row("linear 64 x 12544 -> 100", 2 * 64 * 12544 * 100, () => {
  const [x, w, b] = [random(64, 12544), random(12544, 100), random(100)];
  return () => linear(x, w, b);
});
for (const [label, N, H, C, O, K, stride] of [
  ["56x56 64->64 b16", 16, 56, 64, 64, 3, 1],
  ["55x55 61->61 b16", 16, 55, 61, 61, 3, 1],
  ["14x14 64->64 b64", 64, 14, 64, 64, 3, 1],
  ["28x28 64->3 b64", 64, 28, 64, 3, 3, 1],
  ["28x28 3->64 b64", 64, 28, 3, 64, 3, 1],
  ["112x112 3->64 5x5 /2 b16", 16, 112, 3, 64, 5, 2],
  ["28x28 64->128 /2 b16", 16, 28, 64, 128, 3, 2],
]) {
  const out = Math.ceil(H / stride);
  const flops = 2 * N * out * out * K * K * C * O;
  const options = { padding: "same", stride };
  row(`conv ${label}`, flops, () => {
    const [x, w, b] = [random(N, H, H, C), random(K, K, C, O), random(O)];
    return () => conv2d(x, w, b, options);
  });
  row(`conv grad input ${label}`, flops, () => {
    const [g, w] = [random(N, out, out, O), random(K, K, C, O)];
    return () => conv2dGradInput(g, w, { ...options, inputSize: [H, H] });
  });
  row(`conv grad weight ${label}`, flops, () => {
    const [x, g] = [random(N, H, H, C), random(N, out, out, O)];
    return () => conv2dGradWeight(x, g, { ...options, kernelSize: [K, K] });
  });
}

/** One measurement: so many calls that the wait, most of which the device sleeps away, is about equally long for every row. */
async function time({ run, calls }) {
  const cpu = workerMs();
  const start = performance.now();
  for (let i = 0; i < calls; i++) run().dispose();
  await device.finish();
  return {
    wall: (performance.now() - start) / calls,
    cpu: (workerMs() - cpu) / availableParallelism() / calls,
  };
}

const rounds = 5;
for (const entry of rows) {
  entry.run = entry.make();
  entry.calls = 1;
  entry.first = (await time(entry)).wall;
  entry.calls = Math.ceil(150 / Math.min((await time(entry)).cpu || 50, 150));
  entry.times = [];
}
for (let round = 0; round < rounds; round++) for (const entry of rows) entry.times.push(await time(entry));

console.log(`${device.adapter.name}${version ? `, ${version} version` : ""}`);
console.log(
  `${"GFLOP/s".padEnd(46)}${"wall".padStart(8)}${"median".padStart(8)}${"cpu".padStart(8)}   best ms  first ms`,
);
for (const { name, flops, times, first } of rows) {
  const walls = times.map(({ wall }) => wall).sort((a, b) => a - b);
  const cpu = Math.min(...times.map((t) => t.cpu));
  const speed = (ms) => (flops / ms / 1e6).toFixed(1).padStart(8);
  const ms = walls[0].toFixed(1).padStart(10);
  console.log(
    `${name.padEnd(46)}${speed(walls[0])}${speed(walls[rounds >> 1])}${speed(cpu)}${ms}${first.toFixed(0).padStart(10)}`,
  );
}
device.destroy();
process.exit(0);
