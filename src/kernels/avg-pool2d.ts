/** Dispatch of average pooling and of its gradient. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { type PoolGeometry, poolLaunch, poolWindows } from "./pool-window.js";
import type { Storage } from "./storage.js";

/** What a sum over a window is divided by. */
export interface AvgDivisor {
  /** Whether padding counts, as zeros. */
  readonly countIncludePad: boolean;
  /** Divides instead of the number of elements; 0 for none. */
  readonly divisor: number;
}

const constantsOf = ({ V, ADAPTIVE }: ReturnType<typeof poolLaunch>, { countIncludePad }: AvgDivisor) => ({
  V,
  ADAPTIVE,
  COUNT_PADDING: countIncludePad ? 1 : 0,
});

/** The mean of each window. */
export function avgPool2d(
  device: Device,
  input: Storage,
  output: Storage,
  geometry: PoolGeometry,
  by: AvgDivisor,
): void {
  for (const window of poolWindows(device, "avgPool2d", geometry)) {
    const launch = poolLaunch(window.geometry, "output", "padded");
    device.launch(sources["avg-pool2d"], {
      dims: { ...launch.dims, divisor: by.divisor },
      buffers: { input: window.input(input), output: window.output(output) },
      constants: constantsOf(launch, by),
      groups: launch.groups,
    });
  }
}

/** The transpose of `avgPool2d`. */
export function avgPool2dGrad(
  device: Device,
  gradOutput: Storage,
  gradInput: Storage,
  geometry: PoolGeometry,
  by: AvgDivisor,
): void {
  for (const window of poolWindows(device, "avgPool2dGrad", geometry)) {
    const launch = poolLaunch(window.geometry, "input", "padded");
    device.launch(sources["avg-pool2d-grad"], {
      dims: { ...launch.dims, divisor: by.divisor },
      buffers: { grad_output: window.output(gradOutput), grad_input: window.input(gradInput) },
      constants: constantsOf(launch, by),
      groups: launch.groups,
    });
  }
}
