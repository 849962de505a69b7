/** Resizing along one axis by a sparse matrix; its gradient is the transposed matrix, and the other way round. */
import type { Device } from "../../kernels/device.js";
import { resample as dispatch } from "../../kernels/resample.js";
import { defineOp, type Op } from "../define-op.js";
import { type AxisResizing, resampleTable } from "../resample-table.js";
import { sizeOf } from "../shape.js";
import { type Tensor, tensor } from "../tensor.js";

/** Options of `resample`. */
export interface ResampleOptions {
  /** The axis, not the first. */
  readonly axis: number;
  readonly resizing: AxisResizing;
  /** Apply the transpose: from the output's size to the input's. */
  readonly transposed: boolean;
}

type Table = Readonly<Record<"starts" | "taps" | "weights", Tensor>>;

const tables = new WeakMap<Device, Map<string, Table>>();

/** The matrix in the device's memory, made once per device and resizing; it lives as long as the device. */
function tableOf(device: Device, resizing: AxisResizing, transposed: boolean): Table {
  const known = tables.get(device) ?? new Map<string, Table>();
  tables.set(device, known);
  const key = JSON.stringify([resizing, transposed]);
  const before = known.get(key);
  if (before) return before;
  const { starts, taps, weights } = resampleTable(resizing, transposed);
  const make = () => ({
    starts: tensor(device, starts, undefined, { dtype: "u32" }),
    taps: tensor(device, taps, undefined, { dtype: "u32" }),
    weights: tensor(device, weights),
  });
  const table = device.recorder.paused(() => device.unscoped(make));
  known.set(key, table);
  return table;
}

/** `x` with one axis mapped by the matrix of a resizing. Bicubic and antialiased `upsample2d` are two of these. */
export const resample: Op<readonly ["x"], ResampleOptions> = defineOp({
  name: "resample",
  inputs: ["x"],
  plan([x], options: ResampleOptions) {
    const { input, output } = options.resizing;
    const size = options.transposed ? input : output;
    return { shape: x.shape.map((own, axis) => (axis === options.axis ? size : own)), options };
  },
  forward({ device, output, plan: { options, shape } }, [x]) {
    const { axis, resizing, transposed } = options;
    const sizes = {
      N: x.shape[0] as number,
      outer: sizeOf(x.shape.slice(1, axis)),
      length: x.shape[axis] as number,
      outputLength: shape[axis] as number,
      inner: sizeOf(x.shape.slice(axis + 1)),
    };
    const { starts, taps, weights } = tableOf(device, resizing, transposed);
    const table = { starts: starts.storage, taps: taps.storage, weights: weights.storage };
    dispatch(device, sizes, table, x.storage, output.storage);
    return options;
  },
  vjp: { x: (options, gradOutput) => resample(gradOutput, { ...options, transposed: !options.transposed }) },
});
