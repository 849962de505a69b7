/** Dispatch of the windows of images as rows, and of their sum back into images. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { PoolGeometry, WindowAxis } from "./pool-window.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

/** The sizes of an image, its windows and the number of windows. */
export interface UnfoldGeometry extends PoolGeometry {
  readonly rows: WindowAxis;
  readonly columns: WindowAxis;
}

const packed = ({ kernel, stride, before, dilation }: WindowAxis): number[] => [kernel, stride, before, dilation];

/** One of the kernels, with an invocation for each V of its output, in windows over the images. */
function launch(
  device: Device,
  op: "unfold" | "fold",
  input: Storage,
  output: Storage,
  geometry: UnfoldGeometry,
): void {
  const { N, H, W, OH, OW, C, rows, columns } = geometry;
  const [image, windows] = [H * W * C, OH * OW * rows.kernel * columns.kernel * C];
  const [from, to] = op === "unfold" ? [image, windows] : [windows, image];
  const wide = C % 4 === 0;
  const operands = [[N * image * 4, image] as const, [N * windows * 4, windows] as const];
  for (const part of imageWindows(device, op, N, operands)) {
    const n = (part.N * to) / (wide ? 4 : 1);
    device.launch(sources[op], {
      dims: { rows: packed(rows), columns: packed(columns), n, H, W, OH, OW, C: wide ? C / 4 : C },
      buffers: { input: part.of(input, from), output: part.of(output, to) },
      constants: { V: wide ? "vec4f" : "f32" },
      groups: grid(n, 64),
    });
  }
}

/** Records `output[n, p, q, ky, kx, c] = input[n, p stride + ky dilation - padding, ..., c]`. @throws {DeviceError} when an image's windows exceed one binding. */
export function unfold(device: Device, input: Storage, output: Storage, geometry: UnfoldGeometry): void {
  launch(device, "unfold", input, output, geometry);
}

/** Records the transpose: each pixel sums the places of the windows that hold it. @throws {DeviceError} as `unfold`. */
export function fold(device: Device, input: Storage, output: Storage, geometry: UnfoldGeometry): void {
  launch(device, "fold", input, output, geometry);
}
