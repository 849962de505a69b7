/** The documentation: every public name has its comment, and every example in a comment and in the guides runs. */
import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import * as voxpix from "../src/index.js";
import { testDevice } from "./device.js";

const device = await testDevice();
const entries = ["src/index.ts", "src/data/index.ts", "src/eval/index.ts", "src/model/index.ts"];
const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile("tsconfig.json", ts.sys.readFile).config,
  ts.sys,
  ".",
);
const program = ts.createProgram(entries, options);
const checker = program.getTypeChecker();

/** What an entry point exports, each name as the symbol that it stands for. */
const exportsOf = (entry: string) =>
  checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!).map((symbol) => ({
    name: symbol.name,
    symbol: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
  }));
/** A merged declaration is described where it is declared first; a function with overloads at any of them. */
const commentOf = (symbol: ts.Symbol) => ts.displayPartsToString(symbol.getDocumentationComment(checker));

describe("every public name has a comment", () => {
  test.each(entries)("%s", (entry) => {
    const names = exportsOf(entry);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter(({ symbol }) => commentOf(symbol).length < 4).map(({ name }) => name)).toEqual([]);
  });
});

/** The code behind each `@example` of a comment. Read from its text: WGSL's attributes look like tags to the compiler. */
function examplesOf(symbol: ts.Symbol): string[] {
  const comments = (symbol.declarations ?? []).flatMap((node) => {
    const statement = ts.isVariableDeclaration(node) ? node.parent.parent : node;
    return ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc);
  });
  return [...new Set(comments)].flatMap((comment) => {
    const text = comment
      .getText()
      .replace(/\*\/$/, "")
      .replace(/^[ \t]*\* ?/gm, "");
    const parts = text.split(/^@(?=example|param|returns|throws|see)/m);
    return parts.filter((part) => part.startsWith("example")).map((part) => part.slice(7).replace(/^```\w*$/gm, ""));
  });
}

const examples = exportsOf("src/index.ts").flatMap(({ name, symbol }) =>
  examplesOf(symbol).map((code): [string, string] => [name, code]),
);
const guides = readdirSync("docs/guides").flatMap((file) =>
  [...readFileSync(`docs/guides/${file}`, "utf8").matchAll(/```ts\n([\s\S]*?)```/g)].map(
    ([, code], i): [string, string] => [`${file}, block ${i + 1}`, code!],
  ),
);

/** Runs TypeScript with the engine's exports, a device and a generator in reach, as a reader would have them. */
async function run(code: string, names: Readonly<Record<string, unknown>>): Promise<void> {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, alwaysStrict: false };
  const body = ts
    .transpileModule(code.replace(/^import [\s\S]*?;$/gm, ""), { compilerOptions })
    .outputText.replace(/^export \{\};$/m, "");
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  await AsyncFunction("names", `with (names) { await (async () => { ${body}\n })(); }`)(names);
}

/** What a reader of an example has around it: a network, its optimizer and a batch. */
function surroundings(): Record<string, unknown> {
  const rng = device.rng(0);
  const net = new voxpix.Linear(rng, { inFeatures: 2, outFeatures: 1 });
  const [x, y] = [rng.normal([4, 2]), rng.normal([4, 1])];
  const optimizer = new voxpix.Adam(net.parameters(), { lr: 0.1 });
  const sums = new voxpix.GradientAccumulator(net.parameters());
  const loss = voxpix.mse(net.forward(x), y);
  const image = voxpix.zeros(device, [4, 6, 3]);
  return { device, rng, net, x, y, optimizer, sums, loss, image, parts: [[x, y]], trainEpoch: () => {} };
}

describe("examples run", () => {
  test.each(examples)("@example of %s", async (_name, code) => {
    using _scope = device.scope();
    await run(code, { ...voxpix, ...surroundings() });
    await device.finish();
  });
  test.each(guides)("%s", async (_name, code) => {
    await run(code, { ...voxpix, console: { log: () => {} } });
  });
  test("there are some", () => {
    expect(examples.length).toBeGreaterThan(10);
    expect(guides.length).toBeGreaterThanOrEqual(3);
  });
});
