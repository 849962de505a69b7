/** How to call an op so that its gradients can be measured. */
import * as vp from "../../src/index.js";
import { uniform } from "../device.js";

/** One way of calling an op. Inputs are f32 and lie off kinks; whatever else an op takes is made by `run`. */
export interface Call {
  readonly text: string;
  readonly inputs: readonly Input[];
  run(...inputs: vp.Tensor[]): vp.Tensor;
}

/** Values of an input: distinct numbers, evenly spread over the interval, in a random order. */
export interface Input {
  readonly shape: readonly number[];
  readonly low: number;
  readonly high: number;
}

/** One op: what it is in PyTorch (`""`: nothing alone), and how it is called. */
export interface Entry {
  readonly torch: string;
  readonly calls: readonly Call[];
}

export const input = (shape: readonly number[], low = -1.5, high = 1.5): Input => ({ shape, low, high });

/** The numbers of an input; those of different inputs differ. */
export function valuesOf({ shape, low, high }: Input, position: number): Float64Array {
  const count = shape.reduce((a, b) => a * b, 1);
  const keys = uniform(count, 17 + position);
  const order = [...keys.keys()].sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0));
  const values = new Float64Array(count);
  order.forEach((place, rank) => {
    values[place] = low + ((high - low) * (rank + 0.37 + 0.23 * position)) / count;
  });
  return values;
}

type Result = vp.Tensor | readonly vp.Tensor[] | { readonly values: vp.Tensor };

/** A result as one tensor. */
function whole(result: Result): vp.Tensor {
  if (result instanceof vp.Tensor) return result;
  if ("values" in result && result.values instanceof vp.Tensor) return result.values;
  return vp.concat((result as readonly vp.Tensor[]).map((part) => vp.reshape(part, { shape: [part.size] })));
}

const functions = vp as unknown as Record<string, (...args: unknown[]) => Result>;

/** A call of `op` with the inputs in order and, last, the options. */
export function plain(op: string, inputs: readonly Input[], options?: object): Call {
  const text = options === undefined ? "defaults" : JSON.stringify(options);
  const run = (...tensors: vp.Tensor[]) => {
    const call = functions[op];
    if (!call) throw new vp.GradError(`there is no op ${op}`);
    return whole(call(...tensors, ...(options === undefined ? [] : [options])));
  };
  return { text, inputs, run };
}

/** A call that is written out. */
export const custom = (
  text: string,
  inputs: readonly Input[],
  run: (x: vp.Tensor, y: vp.Tensor, z: vp.Tensor) => Result,
): Call => ({
  text,
  inputs,
  run: (...tensors) => whole(run(...(tensors as [vp.Tensor, vp.Tensor, vp.Tensor]))),
});

/** Calls of `op` with the same inputs and each of the options. */
export const each = (
  op: string,
  torch: string,
  inputs: readonly Input[],
  ...options: (object | undefined)[]
): Entry => ({
  torch,
  calls: (options.length > 0 ? options : [undefined]).map((own) => plain(op, inputs, own)),
});

/** Several calls. */
export const entry = (torch: string, ...calls: readonly Call[]): Entry => ({ torch, calls });

/** Whole numbers beside the f32 inputs. */
export const whole32 = (x: vp.Tensor, values: readonly number[], shape: readonly number[] = [values.length]) =>
  vp.tensor(x.device, values, shape, { dtype: "u32" });

/** Bools beside the f32 inputs. */
export const mask = (x: vp.Tensor, values: readonly boolean[], shape: readonly number[] = [values.length]) =>
  vp.tensor(x.device, values, shape, { dtype: "bool" });
