/** The package as it is published: what is in it, its types, and that it works in an empty project under Node. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import ts from "typescript";
import { afterAll, describe, expect, test } from "vitest";
import { install, pack, root } from "./projects.js";

const { folder, tarball } = await pack();
const bytes = new Uint8Array(readFileSync(tarball));
/** The engine alone, and everything that the registry has for it. */
const [alone, whole] = await Promise.all([
  install(join(folder, "alone"), tarball, "--omit=optional"),
  install(join(folder, "whole"), tarball),
]);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const node = (cwd: string, code: string) => {
  writeFileSync(join(cwd, "main.mjs"), code);
  return execFileSync(process.execPath, ["main.mjs"], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
};

describe("the tarball", () => {
  test("publint has no error and no warning", async () => {
    const { messages } = await publint({ pack: { tarball: bytes.buffer }, level: "warning", strict: true });
    expect(messages).toEqual([]);
  });
  test("arethetypeswrong finds nothing, for importers of modules", async () => {
    const result = await checkPackage(createPackageFromTarballData(bytes));
    if (!result.types) expect.fail("the package has no types");
    const problems = result.problems.map((problem) => ({ entrypoint: "", resolutionKind: "", ...problem }));
    expect(problems.filter(({ resolutionKind }) => !["node10", "node16-cjs"].includes(resolutionKind))).toEqual([]);
    expect(Object.keys(result.entrypoints)).toEqual([".", "./model", "./data", "./eval", "./package.json"]);
  });
  test("holds no test, no build state, and the source of what it maps", () => {
    const files = readdirSync(join(alone, "node_modules/voxpix"), { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => /tsbuildinfo|\.test\.|^(src|test|bench|examples)\b/.test(file))).toEqual([]);
    const map = JSON.parse(readFileSync(join(alone, "node_modules/voxpix/dist/index.js.map"), "utf8"));
    expect(map.sourcesContent[0]).toContain("openDevice");
  });
});

describe("without the optional packages", () => {
  test("nothing else is installed", () => {
    expect(readdirSync(join(alone, "node_modules")).filter((name) => !name.startsWith("."))).toEqual(["voxpix"]);
  });
  test("the engine loads, and says what it lacks under Node", () => {
    const code = `import { openDevice } from "voxpix"; await openDevice().catch((e) => console.log(e.name, e.message));`;
    expect(node(alone, code)).toMatch(/^DeviceError openDevice: Dawn's binding .*run `npm install webgpu`/);
  });
  test("a command says what it lacks", () => {
    expect(() => execFileSync("npx", ["--no-install", "voxpix", "doctor"], { cwd: alone, stdio: "pipe" })).toThrow(
      /needs the package "\S+", which is not installed: npm install voxpix --include=optional/,
    );
  });
});

describe("types", () => {
  writeFileSync(
    join(alone, "wrong.ts"),
    `import { conv2d, defineOp, openDevice, tensor } from "voxpix";
const device = await openDevice({ adapter: "no such" });
conv2d(tensor(device, [1]), "weight", null, { stride: "2" });
defineOp({ name: "f", inputs: ["a", "b"], plan: ([a]) => ({ shape: a.shape }), forward: () => ({}), vjp: { a: "zero" } });
tensor(device, [1]).nothing();
`,
  );
  /** What the compiler says of the package's own types and of the project's files. */
  const check = (compilerOptions: Record<string, unknown>, ...files: string[]) => {
    const strict = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, skipDefaultLibCheck: true };
    const config = { ...strict, noEmit: true, types: [], ...compilerOptions };
    const { options, errors } = ts.convertCompilerOptionsFromJson(config, alone);
    const program = ts.createProgram(
      files.map((file) => join(alone, file)),
      options,
    );
    return [...errors, ...ts.getPreEmitDiagnostics(program)].map(
      ({ file, messageText }) => `${file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`,
    );
  };
  test("strict with NodeNext: no complaint about the package, and none of its types is any", () => {
    const errors = check({ module: "NodeNext", target: "ES2022" }, "train.ts", "wrong.ts");
    expect(errors.filter((error) => !error.includes("wrong.ts: "))).toEqual([]);
    for (const text of ["no such", "'string' is not assignable", "Property 'b' is missing", "'nothing' does not exist"])
      expect(errors.join("\n")).toContain(text);
  });
  test("strict with Bundler, in a worker", () => {
    const libraries = { target: "ES2022", lib: ["ES2022", "WebWorker"] };
    expect(check({ module: "ESNext", moduleResolution: "Bundler", ...libraries }, "train.ts")).toEqual([]);
  });
});

describe("under Node, everything installed", () => {
  test("every entry point loads", () => {
    const code = `for (const name of ["", "/model", "/data", "/eval"]) console.log(Object.keys(await import("voxpix" + name)).length > 5);`;
    expect(node(whole, code)).toBe("true\n".repeat(4));
  });
  test("a network trains, from JavaScript and compiled TypeScript", () => {
    const source = readFileSync(join(whole, "train.ts"), "utf8");
    const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
    writeFileSync(join(whole, "train.mjs"), ts.transpileModule(source, { compilerOptions }).outputText);
    const losses = JSON.parse(
      node(whole, `import { train } from "./train.mjs"; console.log(JSON.stringify(await train(5)));`),
    );
    expect(losses).toHaveLength(5);
    expect(losses[4]).toBeLessThan(losses[0]);
  });
  test("the command runs", () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const output = execFileSync("npx", ["--no-install", "voxpix", "--version"], { cwd: whole, encoding: "utf8" });
    expect(output.trim()).toBe(version);
  });
});
