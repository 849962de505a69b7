/** Dispatch of the padding modes that copy elements, one axis at a time, and of their transpose. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";

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

/** Pads `input` of `shape`; a padded axis has at least one element. */
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
    device.launch(sources.pad, {
      dims: {
        n: size(large),
        L: small[axis] as number,
        PL: large[axis] as number,
        inner: size(small.slice(axis + 1)),
        before: (padding[axis] as readonly [number, number])[0],
      },
      buffers: { input: from, output: to },
      constants: { source: `${mode}(p, last)` },
      groups: grid(size(large), 64),
    });
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
    device.launch(sources["pad-grad-input"], {
      dims: {
        n: size(small),
        L: small[axis] as number,
        PL: large[axis] as number,
        inner: size(small.slice(axis + 1)),
        before: (padding[axis] as readonly [number, number])[0],
      },
      buffers: { grad_output: from, output: to },
      constants:
        mode === "replicate"
          ? { REPLICATE: "true" }
          : { image_before: `${mode}_before(l, size)`, image_after: `${mode}_after(l, size)` },
      groups: grid(size(small), 64),
    });
  });
}
