/** Judges a program: every value against float64, and every input's gradient against difference quotients in float64. */
import { backward, type Device, type Gradients, mul, sum, type Tensor, tensor } from "../../src/index.js";
import { uniform } from "../device.js";
import { evaluate, execute, type Program, print, sinks, type Value } from "./program.js";

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

async function gradientsOf(device: Device, program: Program, tensors: readonly Tensor[]): Promise<Gradients> {
  let loss: Tensor | null = null;
  for (const i of sinks(program)) {
    const value = tensors[i]!;
    const part = sum(mul(value, tensor(device, weightsOf(program.values[i]!, i), value.shape)));
    loss = loss ? loss.add(part) : part;
  }
  return backward(loss!);
}

/** Runs a program on a device and throws, with the program as text, when anything is wrong. */
export async function judge(device: Device, program: Program): Promise<void> {
  using _scope = device.scope();
  const fail = (what: string) => {
    throw new Error(`${what}\n${print(program)}`);
  };
  const tensors = execute(device, program);
  const got: ArrayLike<number>[] = [];
  for (const value of tensors) got.push(await value.data());
  const wrong = judgeValues(program, got);
  if (wrong) fail(wrong);
  if (program.steps.length === 0) return;
  const gradients = await gradientsOf(device, program, tensors);
  for (const [i, { values }] of program.inputs.entries()) {
    const gradient = gradients.get(tensors[i]!);
    const problem = judgeGradient(program, i, gradient ? await gradient.data() : new Float32Array(values.length));
    if (problem) fail(problem);
  }
}
