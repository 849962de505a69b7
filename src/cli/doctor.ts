/** `voxpix doctor`: what was found, what was not, and the one thing that would improve it. */
import type { Command } from "commander";
import pc from "picocolors";
import { openDevice, tune } from "../index.js";
import { systemVulkanDrivers, systemVulkanLoader } from "../kernels/node/dawn.js";
import { writeTuning } from "../kernels/node/tuning-file.js";

interface Finding {
  readonly name: string;
  readonly value: string;
}

const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20).toLocaleString("en")} MiB`;

function advice(software: boolean, bundled: boolean): string | null {
  if (!software) return null;
  if (bundled) {
    return (
      "The bundled SwiftShader works everywhere but is slow. With a GPU, install its Vulkan driver; without one, Mesa's lavapipe is\n" +
      "about 3 times faster: `apt-get install libvulkan1 mesa-vulkan-drivers` (Mesa 24 or newer; on Debian 12: `-t bookworm-backports`)."
    );
  }
  return "This is a software driver. With a GPU in the machine, install its Vulkan driver to use it.";
}

/** Opens the device and describes it. @throws {DeviceError} when there is none. */
async function examine(
  adapterName: "swiftshader" | undefined,
): Promise<{ findings: Finding[]; advice: string | null }> {
  const device = await openDevice(adapterName ? { adapter: adapterName } : {});
  const { adapter } = device;
  const kind = adapter.bundledDriver
    ? "software driver that comes with voxpix"
    : adapter.software
      ? "software driver of the system"
      : "GPU";
  const findings: Finding[] = [
    { name: "adapter", value: adapter.name },
    { name: "kind", value: kind },
    { name: "vendor", value: [adapter.vendor, adapter.architecture].filter(Boolean).join(", ") || "not told" },
    { name: "largest buffer", value: mib(adapter.maxBufferBytes) },
    { name: "largest binding", value: mib(adapter.maxBindingBytes) },
    { name: "subgroups", value: adapter.subgroupSize ? `${adapter.subgroupSize} lanes, fixed` : "no fixed size" },
    { name: "half precision", value: adapter.features.includes("shader-f16") ? "yes" : "no" },
    { name: "timestamps", value: adapter.features.includes("timestamp-query") ? "yes" : "no" },
    {
      name: "Vulkan loader",
      value: systemVulkanLoader() ? "of the system" : "none in the system; the bundled one is used",
    },
    { name: "Vulkan drivers", value: systemVulkanDrivers() ? "described in the system" : "none in the system" },
    { name: "Node", value: process.version },
    { name: "platform", value: `${process.platform} ${process.arch}` },
  ];
  device.destroy();
  return { findings, advice: advice(adapter.software, adapter.bundledDriver) };
}

/** Measures the kernels' tiles and keeps the choice for later runs on this adapter; progress goes to stderr. */
async function tuneAndKeep(adapterName: "swiftshader" | undefined): Promise<Finding[]> {
  const device = await openDevice({ tuning: false, ...(adapterName ? { adapter: adapterName } : {}) });
  const findings: Finding[] = [];
  try {
    const tuning = await tune(device, ({ name, share }) => {
      const value = share < 1 ? `${Math.round(100 * share)} % of the built-in choice's time` : "the built-in choice";
      findings.push({ name, value });
      process.stderr.write(`${name}: ${value}\n`);
    });
    const kept =
      writeTuning(tuning) ?? "nowhere: this user has no home folder; set XDG_CACHE_HOME to a folder that stays";
    return [...findings, { name: "kept in", value: kept }];
  } finally {
    device.destroy();
  }
}

/** Adds the command. */
export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("explain which GPU or driver is used, and what would be better")
    .option("--json", "machine-readable output")
    .option(
      "--tune",
      "measure which kernel tiles are fastest here, and keep the choice for this adapter (results stay the same)",
    )
    .addHelpText(
      "after",
      `
Examples:
  $ voxpix doctor
  $ VOXPIX_ADAPTER=swiftshader voxpix doctor
      the software driver that comes with the package
  $ voxpix doctor --tune
      up to a minute on a quiet machine; what other work does meanwhile makes the choice worse
  $ voxpix doctor --json`,
    )
    .action(async (options: { json?: boolean; tune?: boolean }) => {
      const forced = process.env["VOXPIX_ADAPTER"] === "swiftshader" ? "swiftshader" : undefined;
      const result = await examine(forced);
      if (options.tune) result.findings.push(...(await tuneAndKeep(forced)));
      if (options.json) {
        const values = Object.fromEntries(result.findings.map(({ name, value }) => [name, value]));
        process.stdout.write(`${JSON.stringify({ ...values, advice: result.advice })}\n`);
        return;
      }
      for (const { name, value } of result.findings) process.stdout.write(`${pc.dim(name.padEnd(16))} ${value}\n`);
      if (result.advice) process.stdout.write(`\n${result.advice}\n`);
      else process.stdout.write(`\n${pc.green("Nothing to improve.")}\n`);
    });
}
