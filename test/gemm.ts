/** What the tests of the matrix-product ops share: running every version of the kernels, and second gradients. */
import type { Device } from "../src/kernels/device.js";
import { forceGemmVersion, type GemmVersion } from "../src/kernels/gemm.js";
import type { Tensor } from "../src/tensor/tensor.js";

/** `f` for gradcheck, when `f` itself calls `backward`: gradcheck evaluates without recording, and the inputs need gradients there too. */
export function recordingAlways(
  device: Device,
  f: (x: Tensor, y: Tensor, z: Tensor) => Tensor,
): (...inputs: Tensor[]) => Tensor {
  return (...inputs) => {
    const before = device.recording;
    device.recording = true;
    for (const input of inputs) input.requiresGrad = true;
    try {
      return f(inputs[0]!, inputs[1]!, inputs[2]!);
    } finally {
      device.recording = before;
    }
  };
}

/** The versions that can run here. */
export function gemmVersions(device: Device, all: readonly GemmVersion[]): GemmVersion[] {
  const size = device.adapter.subgroupSize;
  return all.filter((version) => version !== "lane" || size === 4 || size === 8);
}

/** Runs `body` with one version forced. */
export async function withVersion<T>(device: Device, version: GemmVersion, body: () => T | Promise<T>): Promise<T> {
  forceGemmVersion(device, version);
  try {
    return await body();
  } finally {
    forceGemmVersion(device, null);
  }
}

/** Runs `body` as if one binding could hold only so many bytes, so that small operands are worked on in windows. */
export async function withBindingLimit<T>(device: Device, bytes: number, body: () => T | Promise<T>): Promise<T> {
  const open = device as { adapter: Device["adapter"] };
  const { adapter } = device;
  open.adapter = { ...adapter, maxBindingBytes: bytes };
  try {
    return await body();
  } finally {
    open.adapter = adapter;
  }
}
