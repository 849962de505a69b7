/** Finding an adapter and asking it for all it has. */
import { type AdapterDescription, Device, type OpenDeviceOptions } from "./device.js";
import { DeviceError } from "./errors.js";

const wantedFeatures: readonly GPUFeatureName[] = ["timestamp-query", "subgroups", "shader-f16"];

const wantedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupStorageSize",
  "maxStorageBuffersPerShaderStage",
] as const;

/** What an adapter and a device both say of themselves. */
interface Described {
  readonly info: GPUAdapterInfo;
  readonly limits: GPUSupportedLimits;
  readonly features: ReadonlySet<string>;
}

function describe({ info, limits, features }: Described, bundledDriver: boolean): AdapterDescription {
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  const software = info.isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|software/i.test(text);
  const { subgroupMinSize: least, subgroupMaxSize: most } = info;
  const fixed = features.has("subgroups") && least > 0 && least === most;
  return {
    name: info.description || info.device || info.vendor || "unnamed adapter",
    vendor: info.vendor,
    architecture: info.architecture,
    software,
    bundledDriver,
    subgroupSize: fixed ? least : null,
    features: [...features].sort(),
    maxBindingBytes: limits.maxStorageBufferBindingSize,
    maxBufferBytes: limits.maxBufferSize,
    maxStorageBuffers: limits.maxStorageBuffersPerShaderStage,
  };
}

const underNode = typeof process !== "undefined" && process.versions?.node !== undefined;

/** A device that the application made: neither asked for more nor destroyed. */
async function shareDevice(gpuDevice: GPUDevice): Promise<Device> {
  const { adapterInfo: info, limits, features } = gpuDevice;
  // Under Node an application may have made its device without putting WebGPU's constants where a browser has them.
  if (underNode && typeof globalThis.GPUBufferUsage === "undefined") await (await import("./node/dawn.js")).loadDawn();
  return new Device(gpuDevice, describe({ info, limits, features }, false), "shared");
}

async function findAdapter(
  options: OpenDeviceOptions,
): Promise<{ gpu: unknown; adapter: GPUAdapter; bundledDriver: boolean }> {
  if (underNode) return (await import("./node/dawn.js")).openGpu(options.adapter);
  const adapter = await globalThis.navigator?.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter)
    throw new DeviceError(
      "openDevice: this browser offers no WebGPU adapter; use a current Chrome, Edge, Safari or Firefox",
    );
  return { gpu: navigator.gpu, adapter, bundledDriver: false };
}

/**
 * Opens the best adapter there is: a GPU; else a software Vulkan driver of the system; else, under Node on Linux x64, the
 * SwiftShader that comes with the package. `device.adapter` says which it is.
 *
 * @throws {DeviceError} when nothing works, with what was tried and the remedy.
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<Device> {
  if (options.gpuDevice) return shareDevice(options.gpuDevice);
  const { gpu, adapter, bundledDriver } = await findAdapter(options);
  const requiredFeatures = wantedFeatures.filter((feature) => adapter.features.has(feature));
  const requiredLimits = Object.fromEntries(wantedLimits.map((name) => [name, adapter.limits[name]]));
  const gpuDevice = await adapter.requestDevice({ label: "voxpix", requiredFeatures, requiredLimits });
  const device = new Device(gpuDevice, describe(adapter, bundledDriver), { gpu, adapter });
  if (underNode && options.tuning !== false) (await import("./node/tuning-file.js")).useKeptTuning(device);
  return device;
}
