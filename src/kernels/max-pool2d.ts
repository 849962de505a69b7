/** Dispatch of max pooling, of its gradient and of the gather that is the gradient's gradient. */
import type { Device } from "./device.js";
import { sources } from "./generated.js";
import { grid } from "./grid.js";
import { type PoolGeometry, poolLaunch } from "./pool-window.js";
import type { Storage } from "./storage.js";

/** The largest element of each window; with `indices`, also its position h W + w. */
export function maxPool2d(
  device: Device,
  input: Storage,
  output: Storage,
  indices: Storage | null,
  geometry: PoolGeometry,
): void {
  const { N, OH, OW } = geometry;
  const { dims, V, I, B, groups } = poolLaunch(geometry, N * OH * OW);
  // Unwanted indices still need a binding, which nothing writes to.
  const target = indices ?? device.allocate(16, "maxPool2d/spare");
  device.launch(sources["max-pool2d"], {
    dims,
    buffers: { input, indices: target, output },
    constants: { V, I, B, INDICES: indices ? 1 : 0 },
    groups,
  });
  if (!indices) target.release();
}

/** Each input element sums the gradients of the windows whose index names it. */
export function maxPool2dGrad(
  device: Device,
  gradOutput: Storage,
  indices: Storage,
  gradInput: Storage,
  geometry: PoolGeometry,
): void {
  const { N, H, W } = geometry;
  const { dims, V, I, groups } = poolLaunch(geometry, N * H * W);
  device.launch(sources["max-pool2d-grad"], {
    dims,
    buffers: { grad_output: gradOutput, indices, grad_input: gradInput },
    constants: { V, I },
    groups,
  });
}

/** The elements that the indices name. */
export function maxPool2dGather(
  device: Device,
  input: Storage,
  indices: Storage,
  output: Storage,
  geometry: PoolGeometry,
): void {
  const { N, H, W, OH, OW, C } = geometry;
  const n = N * OH * OW * C;
  device.launch(sources["max-pool2d-gather"], {
    dims: { n, HW: H * W, PIXELS: OH * OW, C },
    buffers: { input, indices, output },
    groups: grid(n, 64),
  });
}
