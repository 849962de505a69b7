/** Judges a program: every value against float64, and every input's gradient against difference quotients in float64. */
import {
  add,
  backward,
  CaptureError,
  capture,
  type Device,
  type DType,
  DTypeError,
  mul,
  sum,
  type Tensor,
  tensor,
} from "../../src/index.js";
import { uniform } from "../device.js";
import { evaluate, execute, inputTensors, type Program, print, sinks, type Value } from "./program.js";

/** What float32 may be off by, relative to the largest magnitudes that go into a number: some 40 roundings deep. */
const tolerance = 3e-5;
/** Step of the difference quotients: the cube root of float64's precision. */
const step = 6e-6;
/** Directions that each input's gradient is tried in. */
const directions = 3;

/** Weights of the loss: each sink is multiplied by fixed numbers and summed. */
const weightsOf = (value: Value, i: number) => Float64Array.from(uniform(value.values.length, 7919 + i));

function lossOf(program: Program, values: readonly Value[]): number {
  let total = 0;
  for (const i of sinks(program)) {
    const weights = weightsOf(values[i]!, i);
    values[i]!.values.forEach((v, e) => {
      total += v * weights[e]!;
    });
  }
  return total;
}

/** The derivative of the loss along a direction of one input, at `content`. */
function slope(program: Program, content: readonly Float64Array[], input: number, direction: Float64Array): number {
  const along = (h: number) =>
    lossOf(
      program,
      evaluate(
        program,
        content.map((values, i) => (i === input ? values.map((v, e) => v + h * direction[e]!) : values)),
      ),
    );
  // Two steps, extrapolated: the error is of fourth order.
  const wide = (along(step) - along(-step)) / (2 * step);
  const narrow = (along(step / 2) - along(-step / 2)) / step;
  return (4 * narrow - wide) / 3;
}

function judgeValues(program: Program, got: readonly ArrayLike<number>[]): string | null {
  for (const [i, { values }] of program.values.entries()) {
    const largest = values.reduce((a, v) => Math.max(a, Math.abs(v)), 1);
    const wrong = values.findIndex((v, e) => !(Math.abs(v - got[i]![e]!) <= tolerance * largest));
    if (wrong >= 0) return `v${i}: element ${wrong} is ${got[i]![wrong]}, expected ${values[wrong]}`;
  }
  return null;
}

function judgeGradient(program: Program, input: number, gradient: ArrayLike<number>): string | null {
  const content = program.inputs.map(({ values }) => values);
  for (let d = 0; d < directions; d++) {
    const direction = Float64Array.from(uniform(content[input]!.length, 104729 + 31 * input + d));
    const wanted = slope(program, content, input, direction);
    // How much the slope moves when the inputs do by a few float32 roundings: what no float32 gradient can be held to.
    const moved = content.map((values, i) => values.map((v, e) => v * (1 + 1e-6 * Math.sin(37 * e + 11 * i + d))));
    const sensitivity = Math.abs(slope(program, moved, input, direction) - wanted);
    let got = 0;
    let size = 1;
    direction.forEach((v, e) => {
      got += v * gradient[e]!;
      size += Math.abs(v * gradient[e]!);
    });
    const allowed = tolerance * size + 3 * sensitivity;
    if (!(Math.abs(got - wanted) <= allowed)) {
      return `gradient of v${input} along direction ${d} is ${got}, expected ${wanted}; allowed ${allowed.toExponential(1)}`;
    }
  }
  return null;
}

/** Weights of the loss as tensors, one for each sink. */
function weightTensors(device: Device, program: Program): Tensor[] {
  return sinks(program).map((i) => {
    const value = program.values[i]!;
    return tensor(device, weightsOf(value, i), value.shape);
  });
}

/** The gradient of each input, or `null` where the loss does not depend on it. */
function gradientsOf(program: Program, tensors: readonly Tensor[], weights: readonly Tensor[]): (Tensor | null)[] {
  const parts = sinks(program).map((i, at) => sum(mul(tensors[i]!, weights[at]!)));
  const gradients = backward(parts.reduce((total, part) => add(total, part)));
  return program.inputs.map((_, i) => gradients.get(tensors[i]!) ?? null);
}

/**
 * Captures the program with its backward pass and replays it, fused, twice: the bits must be those of the eager run. Programs with ops
 * that bring numbers from the host are left out: `capture` refuses them.
 */
async function judgeCapture(
  device: Device,
  program: Program,
  eager: readonly (ArrayLike<number> | null)[],
  dtype: DType = "f32",
): Promise<string> {
  const run = capture(device, (inputs: Tensor[], weights: Tensor[]) =>
    gradientsOf(program, execute(program, inputs), weights),
  );
  try {
    for (const call of ["recorded", "replayed", "replayed again"]) {
      const gradients = run(inputTensors(device, program, dtype), weightTensors(device, program));
      for (const [i, gradient] of gradients.entries()) {
        const values = gradient && Array.from(await gradient.data());
        const wanted = eager[i] && Array.from(eager[i]);
        if (JSON.stringify(values) !== JSON.stringify(wanted)) return `${call}: the gradient of v${i} has other bits`;
      }
    }
    return "same";
  } catch (error) {
    if (error instanceof CaptureError) return "refused";
    throw error;
  } finally {
    run.dispose();
  }
}

/**
 * Runs a program on a device and throws, with the program as text, when anything is wrong.
 *
 * @returns Whether the program was captured and replayed too.
 */
export async function judge(device: Device, program: Program): Promise<boolean> {
  using _scope = device.scope();
  const fail = (what: string) => {
    throw new Error(`${what}\n${print(program)}`);
  };
  const tensors = execute(program, inputTensors(device, program));
  const got: ArrayLike<number>[] = [];
  for (const value of tensors) got.push(await value.data());
  const wrong = judgeValues(program, got);
  if (wrong) fail(wrong);
  if (program.steps.length === 0) return false;
  const eager: (ArrayLike<number> | null)[] = [];
  for (const [i, gradient] of gradientsOf(program, tensors, weightTensors(device, program)).entries()) {
    const values = gradient && (await gradient.data());
    eager.push(values);
    const problem = judgeGradient(program, i, values ?? new Float32Array(program.inputs[i]!.values.length));
    if (problem) fail(problem);
  }
  // Fused kernels are compiled anew for each program, which takes far longer than the program.
  if (program.steps.length % 16 !== 0) return false;
  const outcome = await judgeCapture(device, program, eager);
  if (outcome !== "same" && outcome !== "refused") fail(outcome);
  return outcome === "same";
}

/**
 * Runs a program on f16 inputs, eagerly, recorded and replayed, and throws where the gradients are not f32 or have other bits.
 *
 * @returns Whether it ran: programs that join f16 with f32 are refused.
 */
export async function judgeHalf(device: Device, program: Program): Promise<boolean> {
  using _scope = device.scope();
  try {
    const tensors = execute(program, inputTensors(device, program, "f16"));
    const eager: (ArrayLike<number> | null)[] = [];
    for (const gradient of gradientsOf(program, tensors, weightTensors(device, program))) {
      if (gradient && gradient.dtype !== "f32") throw new Error(`a gradient is ${gradient.dtype}\n${print(program)}`);
      eager.push(gradient && (await gradient.data()));
    }
    const outcome = await judgeCapture(device, program, eager, "f16");
    if (outcome !== "same" && outcome !== "refused") throw new Error(`f16: ${outcome}\n${print(program)}`);
    return outcome === "same" && tensors.some(({ dtype }, i) => i >= program.inputs.length && dtype === "f16");
  } catch (error) {
    if (error instanceof DTypeError) return false;
    throw error;
  }
}
