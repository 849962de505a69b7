/** What an op makes of f16, by calling it: beside itself on the same numbers as f32, which the rest of the suite judges. */
import { backward, cast, type Device, type Tensor, tensor } from "../../src/index.js";
import { randomTensor } from "../device.js";
import { type Call, valuesOf } from "./call.js";

/** Half the distance of neighbouring halves, relative to the larger; and subnormal. */
const [unit, tiny] = [2 ** -11, 2 ** -25];

/** Fails where numbers are farther apart than f16 rounds, `steps` times. */
async function compare(what: string, found: Tensor, expected: Tensor, steps: number): Promise<void> {
  const [a, b] = [await found.data(), await expected.data()];
  const largest = Math.max(0, ...Array.from(b, Math.abs).filter(Number.isFinite));
  for (const [i, value] of b.entries()) {
    const near = Object.is(a[i], value) || Math.abs((a[i] as number) - value) <= steps * (unit * largest + tiny);
    if (!near) throw new RangeError(`${what}, element ${i}: ${a[i]} of f16, ${value} of f32`);
  }
}

/**
 * The element type of the op's result of f16 inputs.
 *
 * @throws {RangeError} when a value is not that of the f32 inputs, rounded once, or a gradient is not f32 or farther from that of
 *   the f32 inputs than the rounding of what was saved explains.
 */
export async function halfResult(device: Device, call: Call): Promise<string> {
  using _scope = device.scope();
  const halves = call.inputs.map((input, i) =>
    tensor(device, valuesOf(input, i), input.shape, { dtype: "f16", requiresGrad: true }),
  );
  const wide = halves.map((half) => cast(half, "f32").detach());
  for (const x of wide) x.requiresGrad = true;
  const [found, expected] = [call.run(...halves), call.run(...wide)];
  await compare(`${call.text}: the value`, found, cast(expected, found.dtype), 0);
  if (!found.requiresGrad) return found.dtype;
  const gradOutput = randomTensor(device, found.shape, 71, [0.5, 1.5]);
  const [gradients, judge] = [backward(found, { gradOutput }), backward(expected, { gradOutput })];
  for (const [i, half] of halves.entries()) {
    const [gradient, own] = [gradients.get(half), judge.get(wide[i] as Tensor)];
    if ((gradient?.dtype ?? "f32") !== "f32") throw new RangeError(`${call.text}: gradient ${i} is ${gradient?.dtype}`);
    if (gradient && own) await compare(`${call.text}: gradient ${i}`, gradient, own, 4);
  }
  return found.dtype;
}
