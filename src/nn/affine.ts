import type { Device } from "../kernels/device.js";
import type { Shape } from "../tensor/shape.js";
import { full } from "../tensor/tensor.js";
import { Parameter } from "./module.js";

/** What the options of a normalisation over channels may be. */
export const channelKinds = { channels: "count", eps: "finite?", affine: "boolean?" } as const;

/** Weight 1 and bias 0 of a normalisation; `null` where it has none. */
export function affineParameters(
  device: Device,
  shape: Shape,
  { affine, bias = affine }: { readonly affine: boolean; readonly bias?: boolean },
): { weight: Parameter | null; bias: Parameter | null } {
  return {
    weight: affine ? Parameter.from(full(device, shape, 1)) : null,
    bias: affine && bias ? Parameter.from(full(device, shape, 0)) : null,
  };
}
