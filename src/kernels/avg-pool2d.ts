/** Dispatch of average pooling and of its gradient. */
import type { Device } from "./device.js";
import { sources } from "./generated.js";
import { type PoolGeometry, poolLaunch } from "./pool-window.js";
import type { Storage } from "./storage.js";

/** The mean of each window. */
export function avgPool2d(
  device: Device,
  input: Storage,
  output: Storage,
  geometry: PoolGeometry,
  countIncludePad: boolean,
): void {
  const { N, OH, OW } = geometry;
  const { dims, V, groups } = poolLaunch(geometry, N * OH * OW);
  device.launch(sources["avg-pool2d"], {
    dims,
    buffers: { input, output },
    constants: { V, COUNT_PADDING: countIncludePad ? 1 : 0 },
    groups,
  });
}

/** The transpose of `avgPool2d`. */
export function avgPool2dGrad(
  device: Device,
  gradOutput: Storage,
  gradInput: Storage,
  geometry: PoolGeometry,
  countIncludePad: boolean,
): void {
  const { N, H, W } = geometry;
  const { dims, V, groups } = poolLaunch(geometry, N * H * W);
  device.launch(sources["avg-pool2d-grad"], {
    dims,
    buffers: { grad_output: gradOutput, grad_input: gradInput },
    constants: { V, COUNT_PADDING: countIncludePad ? 1 : 0 },
    groups,
  });
}
