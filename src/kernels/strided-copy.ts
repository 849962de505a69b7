/** Dispatch of the strided copy: transposes, slices, flips and the parts of a concatenation are all this one kernel. */
import type { Device } from "./device.js";
import type { ElementwiseInput, ElementwiseLaunch } from "./elementwise.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";

/** How one side of a copy is addressed: element `p` lies at `offset + sum p[axis] * strides[axis]`, in elements. */
export interface StridedSide {
  readonly storage: Storage;
  readonly offset: number;
  /** One per axis; may be negative. */
  readonly strides: readonly number[];
}

interface Axis {
  size: number;
  input: number;
  output: number;
}

/** The sides of a copy. */
const sides = ["input", "output"] as const;

/** Drops axes of size 1 and merges neighbours that both sides walk as one, so that fewer divisions are left. */
function mergeAxes(shape: readonly number[], input: readonly number[], output: readonly number[]): Axis[] {
  const merged: Axis[] = [];
  shape.forEach((size, i) => {
    if (size === 1) return;
    const axis = { size, input: input[i] as number, output: output[i] as number };
    const last = merged.at(-1);
    if (last && last.input === axis.input * size && last.output === axis.output * size)
      merged[merged.length - 1] = { ...axis, size: size * last.size };
    else merged.push(axis);
  });
  return merged;
}

/** Eight numbers for two uniform vec4s. */
export const padTo8 = (values: readonly number[]): number[] => [
  ...values,
  ...new Array<number>(8 - values.length).fill(0),
];

/** A copy as an elementwise formula. */
export const copyFormula = (
  shape: readonly number[],
  input: Omit<ElementwiseInput, "shape">,
  output: Storage,
): ElementwiseLaunch => ({
  expression: "x",
  inputs: [{ ...input, shape }],
  output,
  outputType: input.type,
  shape,
});

/** The part of a storage that a side walks, and where its first element lies in it; all of it where one binding may hold that. */
function windowOf(
  device: Device,
  { storage, offset }: StridedSide,
  axes: readonly Axis[],
  name: (typeof sides)[number],
) {
  if (storage.bytes <= device.adapter.maxBindingBytes)
    return { storage, offset: 0, bytes: storage.bytes, start: offset };
  const spans = axes.map((axis) => (axis.size - 1) * axis[name]);
  const first = spans.reduce((at, span) => at + Math.min(span, 0), offset);
  const last = spans.reduce((at, span) => at + Math.max(span, 0), offset);
  // Windows begin at multiples of 256 bytes.
  const block = Math.floor(first / 64);
  const bytes = (Math.floor(last / 64) + 1 - block) * 256;
  return { storage, offset: block * 256, bytes, start: offset - block * 64 };
}

/** The same copy of one half of an axis after the other. */
function copyHalves(
  device: Device,
  axes: readonly Axis[],
  axis: number,
  input: StridedSide,
  output: StridedSide,
): void {
  const whole = axes[axis] as Axis;
  const half = Math.ceil(whole.size / 2);
  const from = (first: number, { storage, offset }: StridedSide, name: (typeof sides)[number]) => ({
    storage,
    offset: offset + first * whole[name],
    strides: axes.map((own) => own[name]),
  });
  for (const first of [0, half]) {
    const count = Math.min(half, whole.size - first);
    const shape = axes.map(({ size }, i) => (i === axis ? count : size));
    stridedCopy(device, shape, from(first, input, "input"), from(first, output, "output"));
  }
}

/**
 * Records a copy of 32-bit elements between two strided layouts of the same index space, of at most 8 axes. What of the
 * output is not addressed keeps its content. Where a side exceeds one binding, the axis along which it reaches furthest is
 * halved until both sides fit.
 *
 * @param type - Given where the output is new memory that the copy fills in order: a fused kernel may then do it on its way.
 */
export function stridedCopy(
  device: Device,
  shape: readonly number[],
  input: StridedSide,
  output: StridedSide,
  type?: ElementwiseInput["type"],
): void {
  const n = shape.reduce((a, b) => a * b, 1);
  if (n === 0) return;
  const axes = mergeAxes(shape, input.strides, output.strides);
  if (axes.every((axis) => axis.input === 1 && axis.output === 1)) {
    // One contiguous run: the copy command needs no pipeline and has no binding limit.
    device.copy(input.storage, input.offset * 4, output.storage, output.offset * 4, n * 4);
    return;
  }
  const [source, target] = [windowOf(device, input, axes, "input"), windowOf(device, output, axes, "output")];
  const wide = [source, target].findIndex(({ bytes }) => bytes > device.adapter.maxBindingBytes);
  if (wide >= 0) {
    const reach = axes.map((axis) => (axis.size - 1) * Math.abs(axis[sides[wide] ?? "input"]));
    copyHalves(device, axes, reach.indexOf(Math.max(...reach)), input, output);
    return;
  }
  const whole = type && Math.max(input.storage.bytes, output.storage.bytes) <= device.adapter.maxBindingBytes;
  const view = { shape: axes.map(({ size }) => size), offset: input.offset, strides: axes.map((axis) => axis.input) };
  device.launch(sources["strided-copy"], {
    ...(whole ? { formula: copyFormula(shape, { storage: input.storage, type, view }, output.storage) } : {}),
    dims: {
      n,
      input_offset: source.start,
      output_offset: target.start,
      shape: padTo8(axes.map(({ size }) => size)),
      input_strides: padTo8(axes.map((axis) => axis.input)),
      output_strides: padTo8(axes.map((axis) => axis.output)),
    },
    buffers: { input: source, output: target },
    constants: { RANK: axes.length },
    groups: grid(n, 256),
  });
}
