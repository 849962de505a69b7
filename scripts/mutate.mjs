// Mutation run: changes one operator, index or constant of a WGSL file at a time and asks the test suite to notice.
//   npm run mutate -- [--per-file 8] [--seed 0] [--jobs 1] [--only conv2d,reduce] [--out mutation.json]
// The functions of wgsl/maths are files too: --only maths/exp,maths/power.
// A first run of the suite finds out which test files launch which kernel; a mutant is tried on those alone, until one fails.
// Mutants that no WGSL compiler takes count for nothing. Survivors are printed with file, line and change; those that
// scripts/mutate-equivalent.json explains (they change no result) are not counted. Exit code 1 below 95 %.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = resolve(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    "per-file": { type: "string", default: "8" },
    seed: { type: "string", default: "0" },
    jobs: { type: "string", default: "1" },
    only: { type: "string" },
    launches: { type: "string" },
    out: { type: "string" },
  },
});
const perFile = Number(values["per-file"]);
/** Longest that one mutant may take beyond four times what its tests took unchanged: then the suite hangs, which is noticed too. */
const graceMs = 60_000;

/** What each operator becomes. Comparisons move their edge or turn round; arithmetic becomes its opposite. */
const replacements = {
  "+": ["-"],
  "-": ["+"],
  "*": ["+", "/"],
  "/": ["*"],
  "%": ["/"],
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "==": ["!="],
  "!=": ["=="],
  "&&": ["||"],
  "||": ["&&"],
  "<<": [">>"],
  ">>": ["<<"],
  "&": ["|"],
  "|": ["&"],
  "^": ["&"],
  "+=": ["-="],
  "-=": ["+="],
  "*=": ["+="],
};
const swaps = { min: "max", max: "min", select: null, x: "y", y: "x", z: "x" };

/** Deterministic numbers in [0, 1). */
function random(seed) {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x85ebca6b) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers one off, in the same notation. */
function otherNumber(text) {
  const [, digits, suffix] = /^(.*?)([uif]?)$/.exec(text);
  if (/^0x/i.test(digits)) return [`0x${(BigInt(digits) ^ 1n).toString(16)}${suffix}`];
  const value = Number(digits);
  const float = digits.includes(".") || /e/i.test(digits) || suffix === "f";
  if (!float) return [`${value + 1}${suffix}`];
  const next = value === 0 ? 1 : value * 1.25;
  return [`${Number.isInteger(next) ? next.toFixed(1) : String(next)}${suffix}`];
}

/** Every mutant of one kernel's code. Declarations of bindings, attributes, types and workgroup sizes are left alone. */
function mutantsOf(code) {
  const tokens =
    /(\/\/.*$)|(@\w+(?:\([^)]*\))?)|(\b(?:array|vec[234]|ptr|var)<[^>;{]*>+)|(\b0x[0-9a-fA-F]+u?|\b\d+\.?\d*(?:e[+-]?\d+)?[uif]?\b)|([A-Za-z_]\w*)|(->|<<|>>|<=|>=|==|!=|&&|\|\||[+\-*/]=|[+\-*/%<>&|^])/gm;
  const list = [];
  const bodies = bodyRanges(code);
  for (const match of code.matchAll(tokens)) {
    const at = match.index;
    if (!bodies.some(([from, to]) => at > from && at < to)) continue;
    const [text, comment, attribute, type, number, word, operator] = match;
    if (comment || attribute || type) continue;
    const before = code.slice(0, at).trimEnd();
    if (number) for (const other of otherNumber(number)) list.push({ at, length: text.length, text: other });
    else if (word && swaps[word] && (/\.$/.test(before) || code[at + text.length] === "("))
      list.push({ at, length: text.length, text: swaps[word] });
    else if (operator) {
      // A minus sign, not a subtraction.
      const unary = operator === "-" && /[(,=<>+\-*/%&|?:{;]$|return$/.test(before);
      // `if (i >= n) { return; }` with `>`: one invocation more, whose write falls outside the binding and is dropped.
      const line = lineAt(code, at);
      if (text === ">=" && /\{ ?return; ?\}$/.test(line)) {
        list.push({ at, length: text.length, text: "<" });
        continue;
      }
      for (const other of unary ? [""] : (replacements[operator] ?? []))
        list.push({ at, length: text.length, text: other });
    }
  }
  return list;
}

/** Where function bodies begin and end; of a constant of wgsl/maths, all of its value. */
function bodyRanges(code) {
  if (code.startsWith("const ")) return [[code.indexOf("="), code.length]];
  const ranges = [];
  // Of an optimizer's rule the host takes the function `update` alone and writes the rest (src/kernels/multi-update.ts).
  const rule = /^fn update\(/m.test(code);
  for (const match of code.matchAll(rule ? /\bfn update\b/g : /\bfn\s+\w+/g)) {
    const open = code.indexOf("{", match.index);
    let depth = 0;
    for (let i = open; i < code.length; i++) {
      if (code[i] === "{") depth++;
      if (code[i] === "}" && --depth === 0) {
        ranges.push([open, i]);
        break;
      }
    }
  }
  return ranges;
}

/** The line of code around a place. */
function lineAt(code, at) {
  const end = code.indexOf("\n", at);
  return code.slice(code.lastIndexOf("\n", at) + 1, end < 0 ? code.length : end);
}

const lineOf = (code, at) => code.slice(0, at).split("\n").length;
const describe = (code, { at, length, text }) =>
  `${JSON.stringify(code.slice(at, at + length))} -> ${JSON.stringify(text)} in: ${lineAt(code, at).trim()}`;

/** Runs test files until one fails. A run that takes too long is ended with its workers, which a kernel may hold in an endless loop. */
function vitest(args, env, timeoutMs) {
  const cli = join(root, "node_modules/vitest/vitest.mjs");
  return new Promise((done) => {
    const child = spawn(process.execPath, [cli, "run", "--config", "test/mutation/vitest.config.ts", ...args], {
      cwd: root,
      env: { ...process.env, ...env, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    let timedOut = false;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (output += bytes));
    const timer = setTimeout(() => {
      timedOut = true;
      process.kill(-child.pid, "SIGKILL");
    }, timeoutMs);
    child.on("exit", (code) => {
      clearTimeout(timer);
      done({ failed: code !== 0, timedOut, output });
    });
  });
}

/** Test files by kernel, the quickest first but those named like the kernel before all others. */
async function launches() {
  const scratch = mkdtempSync(join(tmpdir(), "voxpix-mutate-"));
  const file = values.launches ?? join(scratch, "launches.jsonl");
  if (!existsSync(file)) {
    process.stderr.write("running the suite once, to see which test files launch which kernels\n");
    const cli = join(root, "node_modules/vitest/vitest.mjs");
    await new Promise((done) => {
      const child = execFile(process.execPath, [cli, "run", "--config", "test/mutation/vitest.config.ts"], {
        cwd: root,
        env: { ...process.env, VOXPIX_LAUNCHES: file },
        maxBuffer: 2 ** 28,
      });
      child.on("exit", done);
    });
  }
  const lines = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  rmSync(scratch, { recursive: true, force: true });
  return (kernel) => {
    // `conv2d-grad-weight-lane` is an op `conv2d` too; the functions of wgsl/maths are judged by the elementwise tests.
    const own = (test) =>
      kernel.startsWith("maths/")
        ? /accuracy|elementwise/.test(test)
        : kernel.startsWith(basename(test).replace(/\.test\.ts$/, ""));
    return lines
      .filter(({ kernels }) => kernels.includes(kernel))
      .map(({ file: path, ms }) => ({ test: relative(root, path), ms }))
      .sort((a, b) => Number(own(b.test)) - Number(own(a.test)) || a.ms - b.ms);
  };
}

const { sources, maths } = await import(join(root, "dist/kernels/generated.js"));

/** The functions and constants of one file of wgsl/maths, and the lines at which they begin. */
function mathsOf(file) {
  const text = readFileSync(join(root, "src/kernels/wgsl/maths", file), "utf8");
  return [...text.matchAll(/^(?:fn|const) (\w+)/gm)].map((match) => ({
    kernel: `maths/${match[1]}`,
    code: maths[match[1]],
    firstLine: lineOf(text, match.index),
  }));
}

/** Every WGSL file with the parts of code that it ships as. */
const files = [
  ...Object.entries(sources).map(([name, { code }]) => ({ name, parts: [{ kernel: name, code, firstLine: 1 }] })),
  ...readdirSync(join(root, "src/kernels/wgsl/maths"))
    .sort()
    .map((file) => ({ name: `maths/${basename(file, ".wgsl")}`, parts: mathsOf(file) })),
].filter(({ name }) => !values.only || values.only.split(",").includes(name));
const testsOf = await launches();
const equivalentFile = join(root, "scripts/mutate-equivalent.json");
const equivalents = existsSync(equivalentFile) ? JSON.parse(readFileSync(equivalentFile, "utf8")) : [];

/** Without white space, of which the code that ships has less than the files. */
const bare = (text) => text.replaceAll(/\s/g, "");

const work = files.flatMap(({ name, parts }) => {
  const draw = random(Number(values.seed) + [...name].reduce((a, c) => a * 31 + c.charCodeAt(0), 7));
  const all = parts.flatMap((part) => mutantsOf(part.code).map((mutant) => ({ ...part, file: name, mutant })));
  const chosen = [];
  while (chosen.length < perFile && all.length > 0) chosen.push(...all.splice(Math.floor(draw() * all.length), 1));
  return chosen;
});

const results = [];
async function tryNext() {
  for (let job = work.shift(); job; job = work.shift()) {
    const { file, kernel, code, firstLine, mutant } = job;
    const place = { file, kernel, line: firstLine - 1 + lineOf(code, mutant.at), change: describe(code, mutant) };
    const timed = testsOf(kernel);
    const tests = timed.map(({ test }) => test);
    const timeoutMs = timed.reduce((total, { ms }) => total + 4 * ms, graceMs);
    const env = { VOXPIX_MUTANT: JSON.stringify({ kernel, ...mutant }), VOXPIX_TEST_ORDER: tests.join(",") };
    const { failed, timedOut, output } =
      tests.length === 0 ? { failed: false } : await vitest([...tests, "--bail=1"], env, timeoutMs);
    const invalid =
      failed && !timedOut && /Error while parsing WGSL|error: .*\n.*\.wgsl|ShaderModule.*is invalid/i.test(output);
    const excuse = equivalents.find((e) => e.kernel === kernel && bare(e.change) === bare(place.change));
    const outcome = invalid ? "invalid" : failed ? "caught" : excuse ? "equivalent" : "survived";
    results.push({ ...place, outcome });
    process.stderr.write(`${outcome.padEnd(10)} ${file}.wgsl:${place.line}  ${place.change}\n`);
  }
}
await Promise.all(Array.from({ length: Number(values.jobs) }, tryNext));

const count = (outcome) => results.filter((result) => result.outcome === outcome).length;
const counted = count("caught") + count("survived");
const score = counted === 0 ? 1 : count("caught") / counted;
const summary = {
  caught: count("caught"),
  survived: count("survived"),
  equivalent: count("equivalent"),
  invalid: count("invalid"),
  score,
};
if (values.out)
  writeFileSync(
    values.out,
    `${JSON.stringify({ seed: Number(values.seed), perFile, ...summary, results }, null, 2)}\n`,
  );
console.log(
  `\n${summary.caught} of ${counted} mutants caught: ${(100 * score).toFixed(1)} %; ${summary.equivalent} change nothing, ${summary.invalid} do not compile`,
);
process.exitCode = score >= 0.95 ? 0 : 1;
