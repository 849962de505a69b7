/** Dispatch of max pooling, of its gradient and of the gather that is the gradient's gradient. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import { type PoolGeometry, poolLaunch, poolWindows } from "./pool-window.js";
import type { Storage } from "./storage.js";

/** The largest element of each window; with `indices`, also its position h W + w. */
export function maxPool2d(
  device: Device,
  input: Storage,
  output: Storage,
  indices: Storage | null,
  geometry: PoolGeometry,
): void {
  // Unwanted indices still need a binding, which nothing writes to.
  const spare = indices ? null : device.allocate(16, "maxPool2d/spare");
  for (const window of poolWindows(device, "maxPool2d", geometry)) {
    const { dims, V, I, B, ADAPTIVE, groups } = poolLaunch(window.geometry, "output", "dilation");
    device.launch(sources["max-pool2d"], {
      dims,
      buffers: {
        input: window.input(input),
        indices: indices ? window.output(indices) : (spare as Storage),
        output: window.output(output),
      },
      constants: { V, I, B, ADAPTIVE, INDICES: indices ? 1 : 0 },
      groups,
    });
  }
  spare?.release();
}

/** Each input element sums the gradients of the windows whose index names it. */
export function maxPool2dGrad(
  device: Device,
  gradOutput: Storage,
  indices: Storage,
  gradInput: Storage,
  geometry: PoolGeometry,
): void {
  for (const window of poolWindows(device, "maxPool2dGrad", geometry)) {
    const { dims, V, I, ADAPTIVE, groups } = poolLaunch(window.geometry, "input", "dilation");
    device.launch(sources["max-pool2d-grad"], {
      dims,
      buffers: {
        grad_output: window.output(gradOutput),
        indices: window.output(indices),
        grad_input: window.input(gradInput),
      },
      constants: { V, I, ADAPTIVE },
      groups,
    });
  }
}

/** The elements that the indices name. */
export function maxPool2dGather(
  device: Device,
  input: Storage,
  indices: Storage,
  output: Storage,
  geometry: PoolGeometry,
): void {
  const { H, W, OH, OW, C } = geometry;
  for (const window of poolWindows(device, "maxPool2dGather", geometry)) {
    const n = window.geometry.N * OH * OW * C;
    device.launch(sources["max-pool2d-gather"], {
      dims: { n, HW: H * W, PIXELS: OH * OW, C },
      buffers: { input: window.input(input), indices: window.output(indices), output: window.output(output) },
      groups: grid(n, 64),
    });
  }
}
