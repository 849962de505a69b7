/** What the pooling kernels share: the sizes, the windows along each axis and the launch over one of the two planes. */
import { grid } from "./grid.js";

/** Windows along one axis. */
export interface WindowAxis {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

/** The sizes of one pooling and its windows. */
export interface PoolGeometry {
  readonly N: number;
  readonly H: number;
  readonly W: number;
  readonly OH: number;
  readonly OW: number;
  readonly C: number;
  readonly rows: WindowAxis;
  readonly columns: WindowAxis;
}

const packed = ({ kernel, stride, padding, dilation }: WindowAxis) => [kernel, stride, padding, dilation];

/** Dims, element aliases and grid of a kernel with one invocation for each V of `pixels` pixels. */
export function poolLaunch(geometry: PoolGeometry, pixels: number) {
  const { H, W, OH, OW, C, rows, columns } = geometry;
  const wide = C % 4 === 0;
  const channels = wide ? C / 4 : C;
  const n = pixels * channels;
  return {
    dims: { rows: packed(rows), columns: packed(columns), n, H, W, OH, OW, C: channels },
    V: wide ? "vec4f" : "f32",
    I: wide ? "vec4u" : "u32",
    B: wide ? "vec4<bool>" : "bool",
    groups: grid(n, 64),
  };
}
