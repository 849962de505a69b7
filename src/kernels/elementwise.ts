/** Dispatch of the elementwise kernels: merges axes, picks the arity and windows what exceeds one binding. */
import type { Device } from "./device.js";
import { DeviceError } from "./errors.js";
import { sources } from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";

/** One input: its memory, its shape aligned with the output's (1 where it broadcasts) and its WGSL element type. */
export interface ElementwiseInput {
  readonly storage: Storage;
  readonly shape: readonly number[];
  readonly type: "f32" | "i32" | "u32";
}

/** A whole elementwise dispatch. */
export interface ElementwiseLaunch {
  /** WGSL expression of `x`, `y`, `z`. */
  readonly expression: string;
  readonly inputs: readonly ElementwiseInput[];
  readonly output: Storage;
  readonly outputType: "f32" | "i32" | "u32";
  /** Output shape, at most 8 axes. */
  readonly shape: readonly number[];
}

interface Layout {
  readonly shape: number[];
  /** Per input, strides over `shape`. */
  readonly strides: number[][];
}

/** Merges neighbouring axes along which every input is either contiguous or broadcast, so that fewer divisions are left. */
function mergeAxes(shape: readonly number[], inputs: readonly (readonly number[])[]): Layout {
  const rank = shape.length;
  const aligned = inputs.map((input) => shape.map((_, axis) => input[axis - (rank - input.length)] ?? 1));
  const merged: { size: number; wide: boolean[] }[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const size = shape[axis] as number;
    if (size === 1) continue;
    const wide = aligned.map((input) => input[axis] !== 1);
    const last = merged.at(-1);
    if (last && wide.every((value, i) => value === last.wide[i])) last.size *= size;
    else merged.push({ size, wide });
  }
  const strides = aligned.map((_, input) => {
    let stride = 1;
    return merged
      .map((_axis, i) => merged[merged.length - 1 - i] as { size: number; wide: boolean[] })
      .map(({ size, wide }) => {
        const own = wide[input] ? stride : 0;
        if (wide[input]) stride *= size;
        return own;
      })
      .reverse();
  });
  return { shape: merged.map(({ size }) => size), strides };
}

const padTo8 = (values: readonly number[]) => [...values, ...new Array<number>(8 - values.length).fill(0)];

/** Records an elementwise dispatch. @throws {DeviceError} when a broadcast operand or result exceeds one binding. */
export function elementwise(device: Device, launch: ElementwiseLaunch): void {
  const n = launch.shape.reduce((a, b) => a * b, 1);
  const { shape, strides } = mergeAxes(
    launch.shape,
    launch.inputs.map((input) => input.shape),
  );
  const plain = shape.length <= 1;
  const limit = device.adapter.maxBindingBytes;
  if (n * 4 <= limit) {
    dispatch(device, launch, { first: 0, count: n, rank: plain ? 0 : shape.length, shape, strides });
    return;
  }
  if (!plain) {
    throw new DeviceError(
      `elementwise: a broadcast result of ${n * 4} bytes exceeds the ${limit} bytes this adapter allows one binding; expand the operands first`,
    );
  }
  const step = Math.floor(limit / 256) * 64;
  for (let first = 0; first < n; first += step) {
    dispatch(device, launch, { first, count: Math.min(step, n - first), rank: 0, shape, strides });
  }
}

interface Part extends Layout {
  readonly first: number;
  readonly count: number;
  readonly rank: number;
}

const names = ["x", "y", "z"] as const;
const kernels = [sources["elementwise-unary"], sources["elementwise-binary"], sources["elementwise-ternary"]] as const;

function dispatch(device: Device, launch: ElementwiseLaunch, part: Part): void {
  const kernel = kernels[launch.inputs.length - 1];
  if (!kernel) throw new DeviceError(`elementwise: takes 1 to 3 inputs, got ${launch.inputs.length}`);
  const window = (storage: Storage, step: number) =>
    storage.bytes <= device.adapter.maxBindingBytes || step === 0
      ? storage
      : { storage, offset: part.first * 4, bytes: Math.ceil((part.count * 4) / 256) * 256 };
  const constants: Record<string, string | number> = {
    RANK: part.rank,
    OUT: launch.outputType,
    apply: launch.expression,
  };
  const dims: Record<string, number | readonly number[]> = { n: part.count, shape: padTo8(part.shape) };
  const buffers: Record<string, ReturnType<typeof window>> = { output: window(launch.output, 1) };
  launch.inputs.forEach((input, i) => {
    const name = names[i] as string;
    const strides = part.strides[i] as number[];
    constants[name.toUpperCase()] = input.type;
    dims[`${name}_strides`] = padTo8(strides);
    buffers[name] = window(input.storage, strides[0] ?? 0);
  });
  device.launch<typeof kernel>(kernel, { dims, buffers, constants, groups: grid(part.count, 256) } as never);
}
