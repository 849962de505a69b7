/** Every kernel file compiles as it stands, and again with its marked loops written out. Dawn's null backend needs no driver. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { create, globals } from "webgpu";
import { maths, sources } from "../src/kernels/generated.js";
import type { KernelSource } from "../src/kernels/kernel.js";
import { link, unroll } from "../src/kernels/specialize.js";

Object.assign(globalThis, globals);
/** Dawn aborts the process when this is collected before its device. */
const gpu = create(["backend=null"]);
const adapter = await gpu.requestAdapter();
const device = await adapter!.requestDevice({
  requiredFeatures: [...adapter!.features].filter(
    (name) => name === "subgroups" || name === "shader-f16",
  ) as GPUFeatureName[],
});
afterAll(() => {
  device.destroy();
  // Named here, so that it lives until now.
  void gpu;
});

async function complaints(code: string): Promise<string[]> {
  device.pushErrorScope("validation");
  const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
  await device.popErrorScope();
  return [...messages].map(({ type, lineNum, linePos, message }) => `${type} ${lineNum}:${linePos} ${message}`);
}

describe.each(Object.entries<KernelSource>(sources))("%s.wgsl", (name, { code, entryPoint }) => {
  const file = readFileSync(`src/kernels/wgsl/${name}.wgsl`, "utf8");
  test("compiles as it stands", async () => {
    expect(await complaints(file)).toEqual([]);
  });
  test("ships without its comments, each line where it is in the file", async () => {
    expect(code.replaceAll("// unroll", "")).not.toContain("//");
    expect(code.split("\n")).toHaveLength(file.split("\n").length);
    expect(await complaints(code)).toEqual([]);
  });
  test("compiles with its loops written out", async () => {
    const written = unroll(code);
    expect(written).not.toContain("// unroll");
    expect(await complaints(written)).toEqual([]);
  });
  test("has the header that every kernel has", () => {
    const header = file.slice(0, file.search(/^(?!\/\/)/m));
    for (const line of ["Shapes", "Layout", "Mapping", "Numerics", "Gradient", "Source"])
      expect(header, `${name}.wgsl: header line "${line}"`).toMatch(new RegExp(`^// ${line} `, "m"));
    expect(code).toContain(`fn ${entryPoint}(`);
    expect(file, `${name}.wgsl: no text templates`).not.toMatch(/\$\{|\{\{/);
  });
});

test.each(Object.keys(maths))("maths: %s compiles when linked", async (name) => {
  const code = link(maths[name]!, maths);
  expect(await complaints(code)).toEqual([]);
});

test("every file of maths has a header", () => {
  const folder = new URL("../src/kernels/wgsl/maths/", import.meta.url);
  for (const file of readdirSync(folder)) {
    const code = readFileSync(new URL(file, folder), "utf8");
    expect(code, file).toMatch(new RegExp(`^// ${file.replace(".wgsl", "")}: `));
  }
});

test("a broken kernel is noticed", async () => {
  expect((await complaints("fn f() -> u32 { return 1.5; }")).join()).toContain("error 1:");
});
