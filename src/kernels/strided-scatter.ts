/** Dispatch of the strided scatter: an input inside a larger output, filled around and between. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import type { ElementwiseInput, ElementwiseLaunch } from "./elementwise.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { copyFormula, padTo8, stridedCopy } from "./strided-copy.js";
import { blockWindows } from "./windows.js";

/** Where the elements of one axis of the input lie along that axis of the output: at `start + p * step` for p < count. */
export interface ScatterAxis {
  /** Size of the output along the axis. */
  readonly size: number;
  readonly start: number;
  /** Not 0; may be negative. */
  readonly step: number;
  /** Size of the input along the axis. */
  readonly count: number;
}

/** Merges an axis that the input fills whole into its outer neighbour, when that one's region is contiguous. */
function mergeAxes(axes: readonly ScatterAxis[]): ScatterAxis[] {
  const merged: ScatterAxis[] = [];
  for (const axis of axes) {
    const whole = axis.count === axis.size && (axis.step === 1 || axis.size === 1);
    const last = merged.at(-1);
    if (!whole || !last || last.step !== 1) merged.push(axis);
    else {
      const { size } = axis;
      merged[merged.length - 1] = {
        size: last.size * size,
        start: last.start * size,
        step: 1,
        count: last.count * size,
      };
    }
  }
  return merged;
}

/** Fills all of the output, then copies the input to its place. */
function scatterInWindows(
  device: Device,
  axes: readonly ScatterAxis[],
  input: Storage,
  output: Storage,
  fill: number,
): void {
  const n = axes.reduce((total, { size }) => total * size, 1);
  for (const { first, blocks, offset, bytes } of blockWindows(device, n)) {
    // A region of no elements: all of the window is filled.
    const rest = { size: Math.min(blocks * 4, n - first * 4), start: 0, step: 1, count: 0 };
    launch(device, [rest], { storage: input, offset: 0, bytes: 256 }, { storage: output, offset, bytes }, fill);
  }
  const from = { storage: input, offset: 0, strides: [] as number[] };
  const to = { storage: output, offset: 0, strides: [] as number[] };
  let [inputStride, outputStride] = [1, 1];
  for (const { size, start, step, count } of axes.toReversed()) {
    from.strides.unshift(inputStride);
    to.strides.unshift(step * outputStride);
    to.offset += start * outputStride;
    inputStride *= count;
    outputStride *= size;
  }
  const shape = axes.map(({ count }) => count);
  stridedCopy(device, shape, from, to);
}

function launch(
  device: Device,
  axes: readonly ScatterAxis[],
  input: Binding,
  output: Binding,
  fill: number,
  formula?: ElementwiseLaunch,
): void {
  const n = axes.reduce((total, { size }) => total * size, 1);
  device.launch(sources["strided-scatter"], {
    ...(formula ? { formula } : {}),
    dims: {
      n,
      fill,
      shape: padTo8(axes.map(({ size }) => size)),
      counts: padTo8(axes.map(({ count }) => count)),
      starts: padTo8(axes.map(({ start }) => start)),
      steps: padTo8(axes.map(({ step }) => step)),
    },
    buffers: { input, output },
    constants: { RANK: axes.length },
    groups: grid(n, 256),
  });
}

/** What a fused kernel does instead; none where elements lie apart, or between others than zeros. */
function formulaOf(
  axes: readonly ScatterAxis[],
  input: Omit<ElementwiseInput, "shape">,
  output: Storage,
  fill: number,
): ElementwiseLaunch | undefined {
  if (fill !== 0 || axes.some(({ step, count }) => step !== 1 && count > 1)) return undefined;
  const shape = axes.map(({ size }) => size);
  const strides = axes.map((_, i) => axes.slice(i + 1).reduce((total, { count }) => total * count, 1));
  const offset = -axes.reduce((sum, { start }, i) => sum + start * (strides[i] as number), 0);
  return copyFormula(shape, { ...input, view: { shape, offset, strides, inside: axes } }, output);
}

/**
 * Records what fills all of `output`: 32-bit elements of `input` in the region, `fill` elsewhere. One dispatch, or several
 * where a side exceeds one binding.
 *
 * @param fill - The bits of an element.
 * @param type - Given where a fused kernel may do it on its way.
 */
export function stridedScatter(
  device: Device,
  axes: readonly ScatterAxis[],
  input: Storage,
  output: Storage,
  { fill = 0, type }: { readonly fill?: number; readonly type?: ElementwiseInput["type"] } = {},
): void {
  if (Math.max(input.bytes, output.bytes) > device.adapter.maxBindingBytes) {
    scatterInWindows(device, axes, input, output, fill);
    return;
  }
  const merged = mergeAxes(axes);
  const formula = type && formulaOf(merged, { storage: input, type }, output, fill);
  launch(device, merged, input, output, fill, formula);
}
