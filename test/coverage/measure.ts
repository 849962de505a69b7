/** What an op's gradients are, by calling it. */
import type { Device, DType } from "../../src/index.js";
import {
  backward,
  cast,
  DTypeError,
  GradError,
  gradcheck,
  mul,
  ShapeError,
  type Tensor,
  tensor,
} from "../../src/index.js";
import { randomTensor } from "../device.js";
import { checkSecondGradient } from "../second.js";
import { type Call, type Entry, valuesOf } from "./call.js";
import { halfResult } from "./half.js";

/** One op as it was found. */
export interface Measured {
  readonly dtypes: string;
  /** Element type of the result of f16 inputs. */
  readonly half: string;
  readonly gradient: string;
  readonly second: string;
}

const leavesOf = (device: Device, { inputs }: Call) =>
  inputs.map((input, i) => tensor(device, valuesOf(input, i), input.shape, { requiresGrad: true }));

/** The message of a `GradError` that is no failed comparison. */
function refusal(error: unknown): string {
  if (error instanceof GradError && !error.message.startsWith("gradcheck:")) return error.message;
  throw error;
}

async function gradientOf(device: Device, call: Call): Promise<string> {
  using _scope = device.scope();
  const leaves = leavesOf(device, call);
  const output = call.run(...leaves);
  if (!output.requiresGrad) return `none (${output.dtype})`;
  try {
    const gradients = backward(output, { gradOutput: output.detach() });
    // Finite differences say the same, of a gradient of zero too.
    await gradcheck(call.run, leaves);
    const values = await Promise.all(leaves.map((leaf) => gradients.of(leaf).data()));
    return values.some((own) => own.some((value) => value !== 0)) ? "yes" : "zero";
  } catch (error) {
    return `GradError: ${refusal(error)}`;
  }
}

async function secondOf(device: Device, call: Call): Promise<string> {
  using _scope = device.scope();
  try {
    // Weighted, because the sum of squares of what was normalised is the same everywhere.
    const weighted = (...inputs: Tensor[]) => {
      const output = call.run(...inputs);
      return mul(output, randomTensor(device, output.shape, 71, [0.5, 1.5]));
    };
    await checkSecondGradient(weighted, leavesOf(device, call));
    return "yes";
  } catch (error) {
    return `GradError: ${refusal(error)}`;
  }
}

const types: readonly DType[] = ["f32", "f16", "i32", "u32", "bool"];

/** Element types that one of the calls takes in the place of f32. */
function dtypesOf(device: Device, calls: readonly Call[]): string {
  using _scope = device.scope();
  const takes = (call: Call, type: DType) => {
    try {
      call.run(...leavesOf(device, call).map((leaf) => cast(leaf.detach(), type)));
      return true;
    } catch (error) {
      // A target of whole numbers has another shape.
      if (error instanceof DTypeError || error instanceof ShapeError) return false;
      throw error;
    }
  };
  const taken = types.filter((type) => calls.some((call) => takes(call, type)));
  return taken.join(", ");
}

/** The same for all calls, or what it is for which. */
function together(found: readonly (readonly [call: string, result: string])[]): string {
  const results = [...new Set(found.map(([, result]) => result))];
  if (results.length === 1) return results[0] ?? "";
  return results
    .map(
      (result) =>
        `${result} (${found
          .filter(([, own]) => own === result)
          .map(([call]) => call)
          .join("; ")})`,
    )
    .join("; ");
}

/** Calls an op in every way there is, once forward, once backward, once backward through backward. */
export async function measure(device: Device, { calls }: Entry): Promise<Measured> {
  const first: [string, string][] = [];
  const second: [string, string][] = [];
  const half: [string, string][] = [];
  for (const call of calls) {
    const gradient = await gradientOf(device, call);
    first.push([call.text, gradient]);
    half.push([call.text, await halfResult(device, call)]);
    second.push([call.text, gradient === "yes" ? await secondOf(device, call) : "-"]);
  }
  return {
    dtypes: dtypesOf(device, calls),
    half: together(half),
    gradient: together(first),
    second: together(second),
  };
}
