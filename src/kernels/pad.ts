/** Dispatch of the padding modes that copy elements, one axis at a time, and of their transpose. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { type ImageWindow, imageWindows } from "./windows.js";

/** Modes of padding that copy elements of the input. */
export type CopyingPadMode = "replicate" | "reflect" | "symmetric" | "circular";

/** Elements before and after, axis by axis. */
export type Padding = readonly (readonly [before: number, after: number])[];

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/**
 * Runs `step` for every padded axis in turn, from `input` through temporary storages to `output`.
 *
 * @param shapes - The shape before the first step and after each.
 */
function chain(
  device: Device,
  label: string,
  shapes: readonly (readonly number[])[],
  ends: { input: Storage; output: Storage },
  step: (i: number, from: Storage, to: Storage) => void,
): void {
  const steps = shapes.length - 1;
  if (steps === 0) device.copy(ends.input, 0, ends.output, 0, size(shapes[0] as readonly number[]) * 4);
  let from = ends.input;
  for (let i = 0; i < steps; i++) {
    const last = i === steps - 1;
    const to = last ? ends.output : device.allocate(size(shapes[i + 1] as readonly number[]) * 4, label);
    step(i, from, to);
    if (from !== ends.input) from.release();
    from = to;
  }
}

/** The padded axes, innermost first, so that the passes that copy most come last. */
const paddedAxes = (padding: Padding) =>
  padding.flatMap(([before, after], axis) => (before + after > 0 ? [axis] : [])).reverse();

const withSize = (shape: readonly number[], axis: number, value: number) =>
  shape.map((own, i) => (i === axis ? value : own));

/** The shape before the first padded axis and after each. */
function growing(shape: readonly number[], padding: Padding, axes: readonly number[]): (readonly number[])[] {
  const shapes = [shape];
  for (const axis of axes) {
    const before = shapes.at(-1) as readonly number[];
    const [front, back] = padding[axis] as readonly [number, number];
    shapes.push(withSize(before, axis, front + (before[axis] as number) + back));
  }
  return shapes;
}

/** One axis on both sides of its padding, as `[outer, L, inner]` and `[outer, PL, inner]`, in windows over `outer`. */
function axisWindows(device: Device, op: string, small: readonly number[], large: readonly number[], axis: number) {
  const [inner, outer] = [size(small.slice(axis + 1)), size(small.slice(0, axis))];
  const [L, PL] = [small[axis] as number, large[axis] as number];
  const [less, more] = [L * inner, PL * inner];
  const windows = imageWindows(
    device,
    op,
    outer,
    [
      [outer * less * 4, less],
      [outer * more * 4, more],
    ],
    "rows",
  );
  return windows.map(({ N, of }: ImageWindow) => ({
    dims: { L, PL, inner },
    less: { n: N * less, of: (storage: Storage) => of(storage, less) },
    more: { n: N * more, of: (storage: Storage) => of(storage, more) },
  }));
}

/**
 * Pads `input` of `shape`; a padded axis has at least one element.
 *
 * @throws {DeviceError} when the least number of rows of an axis and all within it exceeds one binding.
 */
export function pad(
  device: Device,
  mode: CopyingPadMode,
  input: Storage,
  output: Storage,
  shape: readonly number[],
  padding: Padding,
): void {
  const axes = paddedAxes(padding);
  const shapes = growing(shape, padding, axes);
  chain(device, "pad/partial", shapes, { input, output }, (i, from, to) => {
    const axis = axes[i] as number;
    const [small, large] = [shapes[i] as readonly number[], shapes[i + 1] as readonly number[]];
    const [before] = padding[axis] as readonly [number, number];
    for (const { dims, less, more } of axisWindows(device, "pad", small, large, axis)) {
      device.launch(sources.pad, {
        dims: { n: more.n, ...dims, before },
        buffers: { input: less.of(from), output: more.of(to) },
        constants: { source: `${mode}(p, last)` },
        groups: grid(more.n, 64),
      });
    }
  });
}

/** The transpose of `pad`: from the gradient of the padded tensor to that of the input of `shape`. */
export function padGradInput(
  device: Device,
  mode: CopyingPadMode,
  gradOutput: Storage,
  output: Storage,
  shape: readonly number[],
  padding: Padding,
): void {
  const axes = paddedAxes(padding);
  const shapes = growing(shape, padding, axes).reverse();
  axes.reverse();
  chain(device, "pad-grad-input/partial", shapes, { input: gradOutput, output }, (i, from, to) => {
    const axis = axes[i] as number;
    const [large, small] = [shapes[i] as readonly number[], shapes[i + 1] as readonly number[]];
    const [before] = padding[axis] as readonly [number, number];
    for (const { dims, less, more } of axisWindows(device, "padGradInput", small, large, axis)) {
      device.launch(sources["pad-grad-input"], {
        dims: { n: less.n, ...dims, before },
        buffers: { grad_output: more.of(from), output: less.of(to) },
        constants:
          mode === "replicate"
            ? { REPLICATE: "true" }
            : { image_before: `${mode}_before(l, size)`, image_after: `${mode}_after(l, size)` },
        groups: grid(less.n, 64),
      });
    }
  });
}
