/** Dispatch of the elementwise kernels: merges axes, picks the arity and windows what exceeds one binding. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import { DeviceError } from "./errors.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";

/** One input: its memory, its shape aligned with the output's (1 where it broadcasts) and its WGSL element type. */
export interface ElementwiseInput {
  readonly storage: Storage;
  readonly shape: readonly number[];
  readonly type: "f32" | "i32" | "u32";
  /** For copies that a fused kernel may do on its way: where the elements lie, instead of where the shape broadcasts. */
  readonly view?: InputView;
}

/** Where an input has element `p` of the output: at `offset + sum p[axis] * strides[axis]`, offset and strides modulo 2^32. */
export interface InputView {
  /** The output's shape, or its axes merged. */
  readonly shape: readonly number[];
  readonly offset: number;
  readonly strides: readonly number[];
  /** Along each axis the places that the input fills; the output is 0 outside. Default: all. */
  readonly inside?: readonly { readonly start: number; readonly count: number }[];
}

/** Plain numbers in a formula: they are uniforms, so that another value compiles nothing. */
export interface ElementwiseNumbers {
  readonly a?: number;
  readonly b?: number;
  readonly c?: number;
}

/** relu of an f32; kernels that can end with it (their uniform `rectify`) compute the same. */
export const rectified = "select(max(x, 0.0), x, is_nan(x))";

/** A whole elementwise dispatch. */
export interface ElementwiseLaunch {
  /** WGSL expression of `x`, `y`, `z` and the numbers `dims.a`, `dims.b`, `dims.c`; it may call the functions of `wgsl/maths`. */
  readonly expression: string;
  /** The numbers. Default 0. */
  readonly numbers?: ElementwiseNumbers;
  readonly inputs: readonly ElementwiseInput[];
  readonly output: Storage;
  readonly outputType: "f32" | "i32" | "u32";
  /** Output shape, at most 8 axes: that of the one input, or what several broadcast to. */
  readonly shape: readonly number[];
}

interface Layout {
  readonly shape: number[];
  /** Per input, strides over `shape`. */
  readonly strides: number[][];
}

/** Merges neighbouring axes along which every input is either contiguous or broadcast, so that fewer divisions are left. */
export function mergeAxes(shape: readonly number[], inputs: readonly (readonly number[])[]): Layout {
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

export const padTo8 = (values: readonly number[]) => [...values, ...new Array<number>(8 - values.length).fill(0)];

/**
 * Records an elementwise dispatch; results over one binding are made in windows of the outermost axis that is left.
 *
 * @throws {DeviceError} when 64 rows of that axis exceed a binding.
 */
export function elementwise(device: Device, launch: ElementwiseLaunch): void {
  const layout = mergeAxes(
    launch.shape,
    launch.inputs.map((input) => input.shape),
  );
  const [rows = 1, ...inner] = layout.shape;
  if (launch.inputs.length === 1 && (inner.length > 0 || layout.strides[0]?.[0] === 0)) {
    throw new DeviceError(
      `elementwise: one input must have the output's shape, got [${launch.inputs[0]?.shape}] and [${launch.shape}]`,
    );
  }
  const rowSize = inner.reduce((a, b) => a * b, 1);
  const limit = device.adapter.maxBindingBytes;
  if (rows * rowSize * 4 <= limit) {
    dispatch(device, launch, { ...layout, firstRow: 0, rows, rowSize, whole: true });
    return;
  }
  // Windows begin at multiples of 256 bytes in every operand: 64 rows of 4-byte elements, whatever their length.
  const step = Math.floor(limit / (rowSize * 256)) * 64;
  if (step === 0) {
    throw new DeviceError(
      `elementwise: 64 rows of a broadcast result need ${rowSize * 256} bytes, but this adapter allows one binding ${limit} (maxStorageBufferBindingSize)`,
    );
  }
  for (let firstRow = 0; firstRow < rows; firstRow += step) {
    dispatch(device, launch, { ...layout, firstRow, rows: Math.min(step, rows - firstRow), rowSize, whole: false });
  }
}

/** The rows of the outermost axis that one dispatch works on. */
interface Part extends Layout {
  readonly firstRow: number;
  readonly rows: number;
  readonly rowSize: number;
  readonly whole: boolean;
}

/** What a dispatch binds of an operand whose rows are `stride` elements apart; 0 where it is the same for all rows. */
function windowOf(storage: Storage, stride: number, { firstRow, rows, whole }: Part): Binding {
  if (whole || stride === 0) return storage;
  return { storage, offset: firstRow * stride * 4, bytes: Math.ceil((rows * stride * 4) / 256) * 256 };
}

const names = ["x", "y", "z"] as const;
const kernels = [sources["elementwise-unary"], sources["elementwise-binary"], sources["elementwise-ternary"]] as const;

function dispatch(device: Device, launch: ElementwiseLaunch, part: Part): void {
  const kernel = kernels[launch.inputs.length - 1];
  if (!kernel) throw new DeviceError(`elementwise: takes 1 to 3 inputs, got ${launch.inputs.length}`);
  const constants: Record<string, string | number> = {
    OUT: launch.outputType,
    apply: launch.expression,
  };
  // One axis, or none, is walked without dividing; one input has no other.
  if (launch.inputs.length > 1) constants["RANK"] = part.shape.length <= 1 ? 0 : part.shape.length;
  const { a = 0, b = 0, c = 0 } = launch.numbers ?? {};
  const dims: Record<string, number | readonly number[]> = {
    n: part.rows * part.rowSize,
    a,
    b,
    c,
    shape: padTo8(part.shape),
  };
  const buffers: Record<string, Binding> = { output: windowOf(launch.output, part.rowSize, part) };
  launch.inputs.forEach((input, i) => {
    const name = names[i] as string;
    const strides = part.strides[i] as number[];
    constants[name.toUpperCase()] = input.type;
    dims[`${name}_strides`] = padTo8(strides);
    buffers[name] = windowOf(input.storage, strides[0] ?? 0, part);
  });
  device.launch<typeof kernel>(kernel, {
    dims,
    buffers,
    constants,
    groups: grid(part.rows * part.rowSize, 256),
    ...(part.whole ? { formula: launch } : {}),
  } as never);
}
