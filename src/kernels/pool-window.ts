/** What the pooling kernels share: the sizes, the windows along each axis and the launch over one of the two planes. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

/** Windows along one axis: equal ones, `stride` apart. */
export interface WindowAxis {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Padding on both sides. */
  readonly before: number;
  readonly after: number;
}

/** The sizes of one pooling and its windows. */
export interface PoolGeometry {
  readonly N: number;
  readonly H: number;
  readonly W: number;
  readonly OH: number;
  readonly OW: number;
  readonly C: number;
  /** `"adaptive"`: window `o` of `O` along `size` positions is `[floor(o size / O), ceil((o + 1) size / O))`. */
  readonly rows: WindowAxis | "adaptive";
  readonly columns: WindowAxis | "adaptive";
}

/** The kernels' four numbers of an axis; the last is the dilation, or the padded size where nothing is dilated. */
function packed(axis: WindowAxis | "adaptive", size: number, outputs: number, last: "dilation" | "padded"): number[] {
  if (axis === "adaptive") return [outputs, 0, 0, 1];
  const { kernel, stride, dilation, before, after } = axis;
  return [kernel, stride, before, last === "dilation" ? dilation : before + size + after];
}

/** Dims, element aliases and grid of a kernel with one invocation for each V of one of the two planes of every image. */
export function poolLaunch(geometry: PoolGeometry, plane: "input" | "output", last: "dilation" | "padded") {
  const { N, H, W, OH, OW, C, rows, columns } = geometry;
  const wide = C % 4 === 0;
  const channels = wide ? C / 4 : C;
  const n = N * channels * (plane === "input" ? H * W : OH * OW);
  return {
    dims: { rows: packed(rows, H, OH, last), columns: packed(columns, W, OW, last), n, H, W, OH, OW, C: channels },
    V: wide ? "vec4f" : "f32",
    I: wide ? "vec4u" : "u32",
    B: wide ? "vec4<bool>" : "bool",
    ADAPTIVE: rows === "adaptive" ? 1 : 0,
    groups: grid(n, 64),
  };
}

/** Some images of a pooling, and the parts of the tensors over each plane that hold them. */
export interface PoolWindow {
  readonly geometry: PoolGeometry;
  input(storage: Storage): Binding;
  output(storage: Storage): Binding;
}

/** The images of a pooling in windows that each fit one binding; one window when everything does. */
export function poolWindows(device: Device, op: string, geometry: PoolGeometry): PoolWindow[] {
  const { N, H, W, OH, OW, C } = geometry;
  const [input, output] = [H * W * C, OH * OW * C];
  const windows = imageWindows(device, op, N, [
    [N * input * 4, input],
    [N * output * 4, output],
  ]);
  return windows.map((window) => ({
    geometry: { ...geometry, N: window.N },
    input: (storage) => window.of(storage, input),
    output: (storage) => window.of(storage, output),
  }));
}
