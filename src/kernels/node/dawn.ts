/**
 * Opens Dawn under Node, on whatever the machine has: a GPU, else a software Vulkan driver of the system, else SwiftShader
 * from the npm package `@sparticuz/chromium`. The only folder of the engine that imports from Node.
 */
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { constants, homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { DeviceError } from "../errors.js";

/** What `openGpu` found: `gpu` must stay referenced for as long as the device lives, or the process aborts. */
export interface OpenedGpu {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  /** True when SwiftShader from npm serves because the system has no Vulkan driver that Dawn accepts. */
  readonly bundledDriver: boolean;
}

const swiftShaderPackage = "@sparticuz/chromium";

/** Loads a shared library for the whole process; true when it is there. Node's complaint that it is no addon means that it was loaded. */
function loadLibrary(file: string): boolean {
  // RTLD_NODELETE keeps it loaded after Node finds that it is not an addon.
  const keepLoaded = 0x1000;
  const flags = constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | keepLoaded;
  try {
    process.dlopen({ exports: {} }, file, flags);
  } catch (error) {
    return /did not self-register/.test(String(error));
  }
  return true;
}

/** Whether the system has a Vulkan loader (`libvulkan.so.1`). */
export function systemVulkanLoader(): boolean {
  return process.platform !== "linux" || loadLibrary("libvulkan.so.1");
}

/** Folders where the Vulkan loader looks for driver descriptions on Linux, by its documentation. */
function driverFolders(): string[] {
  const { XDG_CONFIG_HOME, XDG_CONFIG_DIRS, XDG_DATA_HOME, XDG_DATA_DIRS } = process.env;
  const split = (list: string | undefined, fallback: string) => (list || fallback).split(":");
  const roots = [
    XDG_CONFIG_HOME ?? join(homedir(), ".config"),
    ...split(XDG_CONFIG_DIRS, "/etc/xdg"),
    "/etc",
    "/usr/local/etc",
    XDG_DATA_HOME ?? join(homedir(), ".local/share"),
    ...split(XDG_DATA_DIRS, "/usr/local/share:/usr/share"),
    "/usr/local/share",
    "/usr/share",
    "/run/opengl-driver/share",
  ];
  return roots.map((root) => join(root, "vulkan/icd.d"));
}

/** Whether any Vulkan driver is described to the loader; asking Dawn where there is none makes it complain on stderr. */
export function systemVulkanDrivers(): boolean {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
  if (process.platform !== "linux" || VK_DRIVER_FILES || VK_ICD_FILENAMES) return true;
  return driverFolders().some(
    (folder) => existsSync(folder) && readdirSync(folder).some((name) => name.endsWith(".json")),
  );
}

/** The npm package's folder, or `null` when it is not installed (it is optional for who embeds the engine). */
function packageFolder(name: string): string | null {
  try {
    // The package exports only its entry point; its files lie two folders above that.
    let folder = dirname(createRequire(import.meta.url).resolve(name));
    while (!existsSync(join(folder, "package.json")) || !existsSync(join(folder, "bin"))) {
      const parent = dirname(folder);
      if (parent === folder) return null;
      folder = parent;
    }
    return folder;
  } catch {
    return null;
  }
}

async function extractTo(archive: string, folder: string): Promise<void> {
  const { extract } = await import("tar-fs");
  mkdirSync(dirname(folder), { recursive: true });
  const partial = mkdtempSync(`${folder}.part-`);
  await pipeline(createReadStream(archive), createBrotliDecompress(), extract(partial));
  try {
    renameSync(partial, folder);
  } catch {
    // Another process was first: its copy is the same.
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Unpacks SwiftShader once per user, and returns the folder that holds its driver and a Vulkan loader; `null` when the package is missing. */
export async function unpackSwiftShader(): Promise<string | null> {
  const source = packageFolder(swiftShaderPackage);
  if (source === null || process.platform !== "linux" || process.arch !== "x64") return null;
  const archive = join(source, "bin", "swiftshader.tar.br");
  if (!existsSync(archive)) return null;
  const caches = [process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), tmpdir()];
  for (const cache of caches) {
    const folder = join(cache, "voxpix", "swiftshader-147");
    try {
      if (!existsSync(join(folder, "vk_swiftshader_icd.json"))) await extractTo(archive, folder);
      return folder;
    } catch {
      // A cache folder that cannot be written; the next one may be.
    }
  }
  return null;
}

/**
 * Dawn's instances, one for each choice of drivers, kept until the process ends: one that is collected while a lost device of its own
 * still winds up takes the process down.
 */
const instances = new Map<string, GPU>();

async function requestAdapter(create: (options: string[]) => GPU): Promise<{ gpu: GPU; adapter: GPUAdapter } | null> {
  const drivers = process.env["VK_DRIVER_FILES"] ?? "";
  const gpu = instances.get(drivers) ?? create([]);
  instances.set(drivers, gpu);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  return adapter ? { gpu, adapter } : null;
}

/** Dawn's binding, with WebGPU's constants put where a browser has them. */
export async function loadDawn(): Promise<(options: string[]) => GPU> {
  try {
    const { create, globals } = await import("webgpu");
    Object.assign(globalThis, globals);
    return create;
  } catch (error) {
    const cause = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new DeviceError(
      `openDevice: Dawn's binding (npm package "webgpu") could not be loaded: ${cause}. ` +
        "It needs Linux with glibc 2.34 or newer, macOS or Windows; run `npm install webgpu`.",
    );
  }
}

/**
 * Opens the best adapter there is.
 *
 * @param only - `"swiftshader"` takes the bundled software driver even where there is a better one (for tests).
 * @throws {DeviceError} when nothing works, with what was tried and the remedy.
 */
export async function openGpu(only?: "swiftshader"): Promise<OpenedGpu> {
  // Mesa complains on stderr without it.
  process.env["XDG_RUNTIME_DIR"] ??= tmpdir();
  const create = await loadDawn();
  const loader = systemVulkanLoader();
  if (only === undefined && loader && systemVulkanDrivers()) {
    const found = await requestAdapter(create);
    if (found) return { ...found, bundledDriver: false };
  }
  const folder = await unpackSwiftShader();
  if (folder !== null) {
    process.env["VK_DRIVER_FILES"] = join(folder, "vk_swiftshader_icd.json");
    if (loader || loadLibrary(join(folder, "libvulkan.so.1"))) {
      const found = await requestAdapter(create);
      if (found) return { ...found, bundledDriver: true };
    }
  }
  const tried = [
    loader
      ? "the system's Vulkan drivers (none that Dawn accepts)"
      : "the system's Vulkan loader (libvulkan.so.1 is missing)",
    folder
      ? "SwiftShader from npm (did not start)"
      : `SwiftShader from npm (package ${swiftShaderPackage} is not installed)`,
  ];
  throw new DeviceError(
    `openDevice: no usable GPU or software Vulkan; tried ${tried.join(", ")}. ` +
      "Install a GPU driver with Vulkan 1.3, or Mesa 24 or newer (Debian: mesa-vulkan-drivers from bookworm-backports), or run `npm ci` again.",
  );
}
