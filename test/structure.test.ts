/** The rules of DESIGN.md and STYLE.md that can be read off file names and import lines. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

/** Which folders of src a folder may import besides itself. */
const layers: Readonly<Record<string, readonly string[]>> = {
  kernels: [],
  tensor: ["kernels"],
  nn: ["tensor", "kernels"],
  data: [],
  eval: ["data"],
  model: ["nn", "tensor", "kernels", "data", "eval"],
  report: ["data", "eval", "model"],
  cli: ["report", "eval", "model", "data", "nn", "tensor", "kernels"],
};
const engine = ["kernels", "tensor", "nn"];

/** Ops that share the test or the reference loops of another: where these are, or null where there is nothing to compute. */
const families: Readonly<Record<string, { test?: string; reference?: string | null }>> = {
  "elementwise-table": { test: "ops/elementwise", reference: null },
  elementwise: {},
  activations: { test: "ops/elementwise", reference: "elementwise" },
  functions: { test: "ops/elementwise", reference: "elementwise" },
  logic: { test: "ops/elementwise", reference: "elementwise" },
  cast: { reference: null },
  reshape: { reference: null },
  clamp: { reference: null },
  sum: { reference: "reduce" },
  max: { reference: "reduce" },
  "sum-squares": { reference: "reduce" },
  "adaptive-pool2d": { reference: "pool-window" },
  conv1d: { reference: "conv2d" },
  "global-pool2d": { reference: "pool-window" },
  "layer-norm": { reference: "group-norm" },
  "instance-norm": { reference: "group-norm" },
  "rms-norm": { reference: null },
  "local-response-norm": { reference: null },
  "pixel-shuffle": { reference: null },
  resample: { test: "ops/upsample2d", reference: "upsample2d" },
  upsample1d: { reference: "upsample2d" },
  pool1d: { reference: "pool-window" },
  prod: { test: "ops/reductions", reference: "reduce" },
  any: { test: "ops/reductions", reference: "reduce" },
  variance: { test: "ops/reductions", reference: "reduce" },
  norm: { test: "ops/reductions", reference: "reduce" },
  "log-sum-exp": { test: "ops/reductions", reference: "reduce" },
  recurrence: { test: "ops/cumulative", reference: "cumulative" },
  "scatter-add": { test: "ops/gather", reference: "gather" },
  "one-hot": { test: "ops/gather", reference: null },
  sort: { reference: null },
  squeeze: { test: "ops/shapes", reference: null },
  flip: { test: "ops/shapes", reference: null },
  tril: { test: "ops/shapes", reference: null },
  "masked-fill": { test: "ops/thresholds", reference: null },
  thresholds: { reference: null },
  "max-unpool2d": { test: "ops/scatter", reference: "scatter" },
  linear: { reference: "matmul" },
  dropout: { reference: "random" },
  "class-targets": { test: "nn/cross-entropy", reference: "losses" },
  "optimizer-update": { test: "nn/optimizers", reference: "optimizers" },
};

const list = (folder: string, pattern: RegExp) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => pattern.test(file))
    .map((file) => join(folder, file))
    .sort();
const sources = list("src", /\.ts$/).filter((file) => !file.endsWith("generated.ts"));
const text = new Map([...sources, ...list("test", /\.test\.ts$/)].map((file) => [file, readFileSync(file, "utf8")]));
const folderOf = (file: string) => /^src\/(\w+)\//.exec(file)?.[1] ?? null;

/** What a file imports: project files as their path, packages by name. Type-only imports vanish when compiled. */
function imports(file: string, withTypes = true): string[] {
  const pattern =
    /^(?:import|export)(?<type> type)? ?(?:[^"=;(]*? from )?"(?<from>[^"]+)";|\bimport\("(?<lazy>[^"]+)"\)/gm;
  return [...text.get(file)!.matchAll(pattern)]
    .filter(({ groups }) => withTypes || !groups!["type"])
    .map(({ groups }) => {
      const target = (groups!["from"] ?? groups!["lazy"])!;
      return target.startsWith(".") ? normalize(join(dirname(file), target.replace(/\.js$/, ".ts"))) : target;
    });
}

const violations = (rule: (file: string) => readonly string[]) =>
  sources.flatMap((file) => rule(file).map((what) => `${file}: ${what}`));

describe("structure", () => {
  test("import lines are read", () => {
    expect(imports("src/tensor/ops/sum.ts")).toContain("src/tensor/define-op.ts");
    expect(imports("src/kernels/open-device.ts")).toContain("src/kernels/node/dawn.ts");
  });
  test("folders import downwards only", () => {
    const wrong = violations((file) => {
      const own = folderOf(file);
      if (own === null) return [];
      const allowed = layers[own];
      if (!allowed) return [`src/${own} is no layer`];
      // Above the engine, what it offers is imported from its entry point, as a user would.
      const throughIndex = allowed.includes("nn") ? ["src/index.ts"] : [];
      return imports(file).filter(
        (target) =>
          target.startsWith("src/") &&
          folderOf(target) !== own &&
          !allowed.includes(folderOf(target) ?? "") &&
          !throughIndex.includes(target),
      );
    });
    expect(wrong).toEqual([]);
  });
  test("the engine's index imports the engine only", () => {
    expect(imports("src/index.ts").filter((target) => !engine.includes(folderOf(target) ?? ""))).toEqual([]);
  });
  test("only kernels names GPU types", () => {
    expect(
      violations((file) => (folderOf(file) === "kernels" ? [] : (text.get(file)!.match(/\bGPU[A-Z]\w*/g) ?? []))),
    ).toEqual([]);
  });
  test("the engine imports no package, but for src/kernels/node", () => {
    const wrong = violations((file) =>
      engine.includes(folderOf(file) ?? "") && !file.startsWith("src/kernels/node/")
        ? imports(file).filter((target) => !target.startsWith("src/"))
        : [],
    );
    expect(wrong).toEqual([]);
  });
  test("no import cycles outside src/tensor/ops", () => {
    const inOps = (file: string) => file.startsWith("src/tensor/ops/");
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]) => {
      const at = path.indexOf(file);
      if (at >= 0 && !path.slice(at).every(inOps)) cycles.push([...path.slice(at), file].join(" -> "));
      if (at >= 0 || done.has(file) || !text.has(file)) return;
      for (const target of imports(file, false)) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of sources) visit(file, []);
    expect(cycles).toEqual([]);
  });
  test("every folder of src has a README of at most 15 lines", () => {
    const folders = new Set(sources.map(folderOf).filter((folder) => folder !== null));
    const wrong = [...folders].filter((folder) => {
      const readme = `src/${folder}/README.md`;
      return !existsSync(readme) || readFileSync(readme, "utf8").trimEnd().split("\n").length > 15;
    });
    expect(wrong).toEqual([]);
  });
  test("every kernel is dispatched by src/kernels", () => {
    const host = sources
      .filter((file) => folderOf(file) === "kernels")
      .map((file) => text.get(file))
      .join("\n");
    const names = list("src/kernels/wgsl", /^[^/]*\.wgsl$/).map((file) => file.replace(/^.*\/|\.wgsl$/g, ""));
    expect(
      names.filter(
        (name) =>
          !host.includes(`"${name}"`) &&
          !new RegExp(`\\bsources\\.${name}\\b|export \\{[^}]*\\b${name}\\b[^}]*\\} from "./generated.js"`).test(host),
      ),
    ).toEqual([]);
  });
  test("every op has a test and reference loops", () => {
    const missing = sources
      .filter((file) => dirname(file) === "src/tensor/ops")
      .flatMap((file) => {
        const op = file.replace(/^.*\/|\.ts$/g, "");
        const { test = `ops/${op}`, reference = op } = families[op] ?? {};
        return [`test/${test}.test.ts`, ...(reference === null ? [] : [`test/reference/${reference}.ts`])].filter(
          (path) => !existsSync(path),
        );
      });
    expect(missing).toEqual([]);
  });
  test("no test is run alone", () => {
    const alone = [...text].filter(
      ([file, code]) => file.startsWith("test/") && /\b(?:test|describe|it)\.only\b/.test(code),
    );
    expect(alone.map(([file]) => file)).toEqual([]);
  });
});
