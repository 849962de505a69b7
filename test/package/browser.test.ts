/** The engine in a page: bundled from the installed package, small, and computing what it computes under Node. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { afterAll, describe, expect, test } from "vitest";
import { launchChromium } from "./chromium.js";
import { train } from "./consumer/train.js";
import { pack, root, unpack } from "./projects.js";

const { folder, tarball } = await pack();
const project = await unpack(join(folder, "page"), tarball);
const browser = await launchChromium(join(folder, "chromium"));
const pages = new Map<string, string>();
const server = createServer((request, response) => {
  const [path = "/"] = (request.url ?? "").split("?");
  const body = pages.get(path);
  response.writeHead(body === undefined ? 404 : 200, {
    "content-type": path.endsWith(".js") ? "text/javascript" : "text/html",
  });
  response.end(body);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
afterAll(async () => {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const steps = 12;
const drivers = process.env["VK_DRIVER_FILES"];
const lossesUnderNode = await train(steps, { adapter: "swiftshader" });
// Asking for the bundled driver chooses it for the whole process, which tests files that come later.
if (drivers === undefined) delete process.env["VK_DRIVER_FILES"];
else process.env["VK_DRIVER_FILES"] = drivers;
writeFileSync(join(project, "page.ts"), `import { train } from "./train.js";\nObject.assign(globalThis, { train });\n`);
writeFileSync(join(project, "all.ts"), `export * from "voxpix";\n`);

/** The files of a bundle, the first of them its entry. */
type Files = readonly { readonly name: string; readonly code: string }[];

async function bundleWithEsbuild(file: string): Promise<Files> {
  const { outputFiles, warnings } = await esbuild({
    entryPoints: [join(project, file)],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  expect(warnings).toEqual([]);
  return [{ name: "esbuild.js", code: outputFiles[0]!.text }];
}

async function bundleWithVite(file: string): Promise<Files> {
  const result = await vite({
    root: project,
    logLevel: "error",
    configFile: false,
    build: { write: false, target: "es2022", lib: { entry: join(project, file), formats: ["es"], fileName: "vite" } },
  });
  const outputs = [result].flat().flatMap((built) => ("output" in built ? built.output : []));
  const chunks = outputs.filter((output) => output.type === "chunk");
  expect(chunks).toHaveLength(outputs.length);
  return chunks
    .sort((a, b) => Number(b.isEntry) - Number(a.isEntry))
    .map(({ fileName, code }) => ({ name: fileName, code }));
}

async function open(path: string) {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(address + path);
  return { page, errors };
}

describe("in Chromium", () => {
  test.each([
    ["esbuild", bundleWithEsbuild],
    ["vite", bundleWithVite],
  ])("bundled by %s, trains to the losses that Node has on SwiftShader too", async (name, bundle) => {
    const files = await bundle("page.ts");
    for (const file of files) pages.set(`/${file.name}`, file.code);
    pages.set(`/${name}`, `<!doctype html><script type="module" src="/${files[0]!.name}"></script>`);
    const { page, errors } = await open(`/${name}`);
    await page.waitForFunction(() => "train" in globalThis);
    const losses = await page.evaluate(
      (count) => (globalThis as unknown as { train(steps: number): Promise<number[]> }).train(count),
      steps,
    );
    await page.close();
    expect(errors).toEqual([]);
    expect(losses).toHaveLength(steps);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2);
    losses.forEach((loss, step) => {
      expect(Math.abs(loss - lossesUnderNode[step]!), `loss of step ${step}`).toBeLessThanOrEqual(1e-5 * loss);
    });
  });

  test("the page of examples/browser trains and draws", async () => {
    const { outputFiles } = await esbuild({
      entryPoints: [join(root, "examples/browser/main.ts")],
      bundle: true,
      format: "esm",
      target: "es2022",
      tsconfigRaw: {},
      write: false,
    });
    // A tenth of its steps: the software driver of the browser is slow.
    const code = outputFiles[0]!.text;
    expect(code).toContain("[320, 64, 600]");
    pages.set("/main.js", code.replace("[320, 64, 600]", "[320, 64, 60]"));
    pages.set("/example", readFileSync(join(root, "examples/browser/index.html"), "utf8"));
    const { page, errors } = await open("/example");
    await page.waitForFunction(() => document.title === "done" || !/step|Opening/.test(document.body.innerText));
    expect(await page.textContent("#status")).toMatch(/^step 60 of 60: error 0\.\d+/);
    const colours = await page.evaluate(() => {
      const canvas = document.querySelector("canvas")!;
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    });
    await page.close();
    expect(colours).toBeGreaterThan(10);
    expect(errors).toEqual([]);
  });
});

test("minified and compressed, kernels included: a page that trains a convolutional network, and all exports together", async () => {
  const [page, all] = [await bundleWithEsbuild("page.ts"), await bundleWithEsbuild("all.ts")];
  const [pageBytes, allBytes] = [page, all].map(([file]) => gzipSync(file!.code, { level: 9 }).length);
  console.log(`a page that trains: ${pageBytes} bytes compressed; every export of the engine: ${allBytes}`);
  expect(/\b(?:from|import|require)\W{1,3}(?:node:|fs|path)\b/.exec(all[0]!.code)).toBeNull();
  expect(page[0]!.code.includes("@workgroup_size")).toBe(true);
  expect(pageBytes).toBeLessThanOrEqual(60_000);
  // Nobody uses all of it: some 190 ops, their kernels and their messages.
  expect(allBytes).toBeLessThanOrEqual(124_000);
});
