/** Dispatch of the resizing of planes to the nearest pixel or bilinearly, and of its gradient. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

/** Input pixels that an output pixel is wide, as a fraction of whole numbers: the inverse of the scale. */
export type Ratio = readonly [input: number, output: number];

/** The sizes of one resizing, and its rule. */
export interface Upsample2dGeometry {
  readonly N: number;
  readonly H: number;
  readonly W: number;
  readonly OH: number;
  readonly OW: number;
  readonly C: number;
  /** Down and across; `[H, OH]` and `[W, OW]` unless a scale says otherwise. With `alignCorners` the sizes alone count. */
  readonly ratios: readonly [Ratio, Ratio];
  readonly mode: "nearest" | "nearest-exact" | "bilinear";
  readonly alignCorners: boolean;
}

/** Step, plus, minus and unit of the position that an output reads: (max(step o + plus, minus) - minus) / unit. */
function axisMap({ mode, alignCorners }: Upsample2dGeometry, [input, output]: Ratio, sizes: Ratio): number[] {
  if (mode === "nearest") return [input, 0, 0, output];
  if (mode === "nearest-exact") return [2 * input, input, 0, 2 * output];
  if (alignCorners) return sizes[1] === 1 ? [1, 0, 0, 1] : [sizes[0] - 1, 0, 0, sizes[1] - 1];
  return [2 * input, input, output, 2 * output];
}

/** One launch for each window of images; `plane` is the one that has an invocation for each of its pixels. */
function launches(device: Device, op: string, geometry: Upsample2dGeometry, plane: "input" | "output") {
  const { N, H, W, OH, OW, C, mode, ratios } = geometry;
  const wide = C % 4 === 0;
  const channels = wide ? C / 4 : C;
  const elements = { input: H * W * C, output: OH * OW * C };
  const windows = imageWindows(device, op, N, [
    [N * elements.input * 4, elements.input],
    [N * elements.output * 4, elements.output],
  ]);
  return windows.map((window) => {
    const n = (window.N * elements[plane] * channels) / Math.max(C, 1);
    const rows = axisMap(geometry, ratios[0], [H, OH]);
    const columns = axisMap(geometry, ratios[1], [W, OW]);
    return {
      dims: { rows, columns, n, H, W, OH, OW, C: channels },
      constants: { V: wide ? "vec4f" : "f32", BILINEAR: mode === "bilinear" ? 1 : 0 },
      groups: grid(n, 64),
      input: (storage: Storage) => window.of(storage, elements.input),
      output: (storage: Storage) => window.of(storage, elements.output),
    };
  });
}

/** Most outputs of one pixel that a kernel writes out. */
const mostRepeats = 16;

/** How often each pixel is repeated, down and across, where that is the whole resizing; else `null`. */
function repeats({ H, W, OH, OW, mode, ratios }: Upsample2dGeometry): readonly [number, number] | null {
  const [down, across] = [OH / H, OW / W];
  const whole = (factor: number, [input, output]: Ratio) => Number.isInteger(factor) && input * factor === output;
  const fits =
    mode !== "bilinear" && whole(down, ratios[0]) && whole(across, ratios[1]) && down * across <= mostRepeats;
  return fits ? [down, across] : null;
}

/** Resizes `[N, H, W, C]` to `[N, OH, OW, C]`. */
export function upsample2d(device: Device, input: Storage, output: Storage, geometry: Upsample2dGeometry): void {
  const factors = repeats(geometry);
  for (const launch of launches(device, "upsample2d", geometry, factors ? "input" : "output")) {
    const { dims, constants, groups } = launch;
    const buffers = { input: launch.input(input), output: launch.output(output) };
    if (factors) {
      const [REPEAT_Y, REPEAT_X] = factors;
      const repeat = { V: constants.V, REPEAT_Y, REPEAT_X };
      device.launch(sources["upsample2d-repeat"], { dims, constants: repeat, groups, buffers });
      continue;
    }
    device.launch(sources["upsample2d"], { dims, constants, groups, buffers });
  }
}

/** The transpose of `upsample2d`: `[N, OH, OW, C]` to `[N, H, W, C]`. */
export function upsample2dGrad(
  device: Device,
  gradOutput: Storage,
  gradInput: Storage,
  geometry: Upsample2dGeometry,
): void {
  for (const { dims, constants, groups, ...of } of launches(device, "upsample2dGrad", geometry, "input")) {
    const buffers = { grad_output: of.output(gradOutput), grad_input: of.input(gradInput) };
    device.launch(sources["upsample2d-grad"], { dims, constants, groups, buffers });
  }
}
