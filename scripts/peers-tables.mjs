// Prints the tables of docs/performance.md "Against other libraries" from what `npm run bench:peers -- --json FILE` wrote.
//   node scripts/peers-tables.mjs FILE
import { readFileSync } from "node:fs";

const [file] = process.argv.slice(2);
if (!file) {
  console.error("usage: node scripts/peers-tables.mjs FILE");
  process.exit(2);
}
const { date, commit, adapter, setting, results } = JSON.parse(readFileSync(file, "utf8"));
const titles = {
  jaxjs: "jax-js",
  "tfjs webgpu": "tfjs-webgpu",
  "tfjs wasm": "tfjs-wasm, 1 thread",
  onnxruntime: "onnxruntime, CPU",
  torch: "PyTorch, CPU",
};
const webgpu = ["jaxjs", "tfjs webgpu"];
/** How many times faster than the better of the WebGPU libraries we want to be on a software driver; by the row's first words. */
const goals = [
  ["conv2d input gradient", 1.8],
  ["conv2d weight gradient", 4],
  ["conv2d", 1.5],
  ["matmul", 2],
  ["training step", 3],
];
const names = [...new Set(results.map((r) => r.name))];
const of = (name, library) => results.find((r) => r.name === name && r.library === library);
const fixed = (value, digits = 2) => (value === null || value === undefined ? "" : value.toFixed(digits));
const thousands = (value) => Math.round(value).toLocaleString("en");
const print = (columns, rows) => {
  console.log([columns, columns.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n"));
  console.log();
};

/** "2: met", or what the better WebGPU library's ratio is short of. */
function verdict(name) {
  const goal = goals.find(([start]) => name.startsWith(start))?.[1];
  if (!goal) return "";
  const better = Math.min(...webgpu.map((library) => of(name, library)?.ratio ?? Infinity));
  return `${goal}: ${better >= goal ? "met" : "missed"}`;
}

function geometricMean(library) {
  const ratios = results.filter((r) => r.library === library && r.ratio).map((r) => r.ratio);
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  return `${fixed(mean)} (${ratios.length})`;
}

const others = Object.keys(titles).filter((library) => results.some((r) => r.library === library && r.ratio));
const spreads = results.filter((r) => r.spread).map((r) => r.spread);
const disagreeing = results.filter((r) => r.agrees === false).length;
console.log(
  `${adapter.name}, commit ${commit}, ${date}, ${setting.rounds} rounds; spread up to ${fixed(100 * Math.max(...spreads), 0)} %;`,
);
console.log(`${disagreeing === 0 ? "the first numbers of all results agreed" : `${disagreeing} results DISAGREED`}.\n`);
print(
  ["work", "ours, ms", ...others.map((library) => titles[library]), "goal"],
  [
    ...names.map((name) => [
      name,
      fixed(of(name, "voxpix").wallMs, 1),
      ...others.map((library) => fixed(of(name, library)?.ratio)),
      verdict(name),
    ]),
    ["geometric mean (rows)", "", ...others.map(geometricMean), ""],
  ],
);
print(
  ["", "CPU ms", "first call, ms", "dispatches", "submits", "peak MiB"],
  names
    .filter((name) => /training step|batch norm/.test(name))
    .flatMap((name) =>
      ["voxpix", ...webgpu].map((library) => {
        const r = of(name, library);
        return [
          `${name}: ${titles[library] ?? library}`,
          fixed(r.cpuMs, 1),
          thousands(r.firstMs),
          ...[fixed(r.dispatches, 0), fixed(r.submits, 1), fixed(r.peakMiB, 0)],
        ];
      }),
    ),
);
