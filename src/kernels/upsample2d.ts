/** Dispatch of the resizing of planes and of its gradient. */
import type { Device } from "./device.js";
import { sources } from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";

/** The sizes of one resizing, and its rule. */
export interface Upsample2dGeometry {
  readonly N: number;
  readonly H: number;
  readonly W: number;
  readonly OH: number;
  readonly OW: number;
  readonly C: number;
  readonly mode: "nearest" | "bilinear";
  readonly alignCorners: boolean;
}

/** Step, plus, minus and unit of the position that an output reads: (max(step o + plus, minus) - minus) / unit. */
function axisMap({ mode, alignCorners }: Upsample2dGeometry, input: number, output: number): number[] {
  if (mode === "nearest") return [input, 0, 0, output];
  if (alignCorners) return output === 1 ? [1, 0, 0, 1] : [input - 1, 0, 0, output - 1];
  return [2 * input, input, output, 2 * output];
}

function launchOf(geometry: Upsample2dGeometry, pixels: number) {
  const { H, W, OH, OW, C, mode } = geometry;
  const wide = C % 4 === 0;
  const channels = wide ? C / 4 : C;
  const n = pixels * channels;
  const rows = axisMap(geometry, H, OH);
  const columns = axisMap(geometry, W, OW);
  return {
    dims: { rows, columns, n, H, W, OH, OW, C: channels },
    constants: { V: wide ? "vec4f" : "f32", BILINEAR: mode === "bilinear" ? 1 : 0 },
    groups: grid(n, 64),
  };
}

/** Resizes `[N, H, W, C]` to `[N, OH, OW, C]`. */
export function upsample2d(device: Device, input: Storage, output: Storage, geometry: Upsample2dGeometry): void {
  const { N, OH, OW } = geometry;
  device.launch(sources["upsample2d"], { ...launchOf(geometry, N * OH * OW), buffers: { input, output } });
}

/** The transpose of `upsample2d`: `[N, OH, OW, C]` to `[N, H, W, C]`. */
export function upsample2dGrad(
  device: Device,
  gradOutput: Storage,
  gradInput: Storage,
  geometry: Upsample2dGeometry,
): void {
  const { N, H, W } = geometry;
  device.launch(sources["upsample2d-grad"], {
    ...launchOf(geometry, N * H * W),
    buffers: { grad_output: gradOutput, grad_input: gradInput },
  });
}
