/** Derivatives as functions of functions. */
import type { Device } from "../kernels/device.js";
import { GradError, ShapeError } from "../kernels/errors.js";
import { backward } from "./backward.js";
import { checkInputs } from "./define-op.js";
import { isFloat } from "./host-values.js";
import { add, mul } from "./ops/elementwise.js";
import { reshape } from "./ops/reshape.js";
import { sum } from "./ops/sum.js";
import { checkKind, readOptions, show } from "./options.js";
import { formatShape, sameShape } from "./shape.js";
import { checkTensor, full, Tensor, zeros } from "./tensor.js";

/** A function of tensors. */
type TensorFunction = (...inputs: Tensor[]) => Tensor;

/** Options of `grad` and `valueAndGrad`. */
export interface GradOptions {
  /** Number of the input to differentiate by, from 0. Default 0. */
  readonly argument?: number;
}

function deviceOf(op: string, inputs: readonly Tensor[]): Device {
  checkKind(op, "inputs", inputs, "list");
  for (const input of inputs) checkInputs(op, ["input"], [input], "any");
  const device = inputs[0]?.device;
  if (!device) throw new GradError(`${op}: needs at least one input`);
  return device;
}

/** Runs `body` with recording on, whatever surrounds it. */
function recorded<T>(device: Device, body: () => T): T {
  const before = device.recording;
  device.recording = true;
  try {
    return body();
  } finally {
    device.recording = before;
  }
}

/**
 * The inputs as this differentiation's own variables: `backward` by them sees the function alone. Those that an outer
 * differentiation follows stay connected to it.
 */
function variables(device: Device, inputs: readonly Tensor[]): { own: Tensor[]; outer: boolean } {
  const followed = (input: Tensor) => device.recording && input.requiresGrad && isFloat(input.dtype);
  const own = inputs.map((input) => {
    if (followed(input)) return reshape(input, { shape: input.shape });
    const leaf = input.detach();
    leaf.requiresGrad = isFloat(input.dtype);
    return leaf;
  });
  return { own, outer: inputs.some(followed) };
}

/** Gradients of `output`, zeros where it does not depend on a variable. */
function gradientsBy(output: Tensor, by: readonly Tensor[], createGraph: boolean, gradOutput?: Tensor): Tensor[] {
  const zero = (input: Tensor) => zeros(input.device, input.shape);
  if (!output.requiresGrad) return by.map(zero);
  const seed = gradOutput ? { gradOutput } : {};
  const gradients = backward(output, { wrt: by, createGraph, ...seed });
  return by.map((input) => gradients.get(input) ?? zero(input));
}

/** What a function of the caller's gives. @throws {GradError} unless it is a tensor. */
function resultOf(op: string, f: TensorFunction, inputs: readonly Tensor[]): Tensor {
  checkKind(op, "f", f, "function");
  const result: unknown = f(...inputs);
  if (!(result instanceof Tensor)) throw new GradError(`${op}: the function must return a tensor, got ${show(result)}`);
  return result;
}

function checkScalar(op: string, output: Tensor): void {
  if (output.size !== 1)
    throw new GradError(
      `${op}: the function must return a scalar, got ${formatShape(output.shape)}; reduce it, or use vjp`,
    );
}

/**
 * The value of a scalar function together with its gradient.
 *
 * @param f - Takes tensors, returns a scalar.
 * @param options - `argument` 0: the input that the gradient is by.
 * @returns A function of the same inputs that returns `[value, gradient]`. It can be differentiated in turn.
 * @throws {GradError} when the value is no scalar, or there is no such input.
 */
export function valueAndGrad(f: TensorFunction, options: GradOptions = {}): (...inputs: Tensor[]) => [Tensor, Tensor] {
  checkKind("grad", "f", f, "function");
  const { argument = 0 } = readOptions<GradOptions>("grad", options, { argument: "count?" });
  return (...inputs) => {
    const device = deviceOf("grad", inputs);
    if (!inputs[argument]) throw new GradError(`grad: there is no input ${argument}, got ${inputs.length} inputs`);
    const { own, outer } = variables(device, inputs);
    return recorded(device, () => {
      const value = resultOf("grad", f, own);
      checkScalar("grad", value);
      const [gradient] = gradientsBy(value, [own[argument] as Tensor], outer) as [Tensor];
      return [outer ? value : value.detach(), gradient];
    });
  };
}

/**
 * The gradient of a scalar function, as a function. `grad(f)(x) = df/dx`
 *
 * @param f - Takes tensors, returns a scalar.
 * @param options - `argument` 0: the input that the gradient is by.
 * @returns A function of the same inputs. It can be differentiated in turn: `grad(grad(f))` for scalars.
 * @throws {GradError} when the value is no scalar, or there is no such input.
 *
 * @example
 * const slope = grad((x) => sum(mul(x, x)));
 * await slope(tensor(device, [1, 2, 3])).data(); // 2, 4, 6
 */
export function grad(f: TensorFunction, options: GradOptions = {}): (...inputs: Tensor[]) => Tensor {
  const both = valueAndGrad(f, options);
  return (...inputs) => both(...inputs)[1];
}

/** The value of a function, and what pulls gradients at it back to the inputs. */
export interface Pullback {
  readonly output: Tensor;
  /** `gradOutput` of the output's shape gives one gradient an input, `gradOutput^T J`. May be called again. */
  readonly pullback: (gradOutput: Tensor) => Tensor[];
}

/**
 * The vector-Jacobian product of any function of tensors.
 *
 * @param inputs - Where; each is differentiated by.
 * @throws {GradError} when there is no input; `pullback` where an op on the way has no gradient, naming it.
 */
export function vjp(f: TensorFunction, inputs: readonly Tensor[]): Pullback {
  const device = deviceOf("vjp", inputs);
  const { own, outer } = variables(device, inputs);
  const output = recorded(device, () => resultOf("vjp", f, own));
  const pullback = (gradOutput: Tensor) => {
    checkTensor("vjp", "gradOutput", gradOutput);
    return gradientsBy(output, own, outer || gradOutput.requiresGrad, gradOutput);
  };
  return { output, pullback };
}

const inner = (a: readonly Tensor[], b: readonly Tensor[]) =>
  a.map((x, i) => sum(mul(x, b[i] as Tensor))).reduce((x, y) => add(x, y));

function checkTangents(op: string, inputs: readonly Tensor[], tangents: readonly Tensor[]): void {
  checkKind(op, "vectors", tangents, "tensors");
  const wrong = inputs.findIndex((input, i) => !sameShape(input.shape, tangents[i]?.shape ?? [-1]));
  if (wrong < 0 && inputs.length === tangents.length) return;
  const shapes = (tensors: readonly Tensor[]) => tensors.map(({ shape }) => formatShape(shape)).join(", ");
  throw new ShapeError(
    `${op}: needs one vector of each input's shape, got ${shapes(tangents) || "none"} for inputs ${shapes(inputs)}`,
  );
}

/**
 * The Jacobian-vector product `J tangents`: how the output moves when the inputs move along `tangents`. Made of two backward
 * passes, as the vector-Jacobian product is linear in its vector.
 *
 * @returns The product, of the output's shape.
 * @throws {ShapeError} unless there is one tangent of each input's shape.
 * @throws {GradError} when an op on the way has no gradient, or one that cannot be differentiated, naming it.
 */
export function jvp(f: TensorFunction, inputs: readonly Tensor[], tangents: readonly Tensor[]): Tensor {
  const device = deviceOf("jvp", inputs);
  checkTangents("jvp", inputs, tangents);
  const { own, outer } = variables(device, inputs);
  return recorded(device, () => {
    const output = resultOf("jvp", f, own);
    const along = full(device, output.shape, 0, { requiresGrad: true });
    const pulled = gradientsBy(output, own, true, along);
    const [product] = gradientsBy(inner(pulled, tangents), [along], outer) as [Tensor];
    return product;
  });
}

/**
 * The Hessian-vector product `H vectors` of a scalar function: the gradient of `gradient . vectors`.
 *
 * @returns One tensor an input, of its shape.
 * @throws {ShapeError} unless there is one vector of each input's shape.
 * @throws {GradError} when the value is no scalar, or an op's gradient cannot be differentiated, naming it.
 */
export function hessianVectorProduct(
  f: TensorFunction,
  inputs: readonly Tensor[],
  vectors: readonly Tensor[],
): Tensor[] {
  const device = deviceOf("hessianVectorProduct", inputs);
  checkTangents("hessianVectorProduct", inputs, vectors);
  const { own, outer } = variables(device, inputs);
  return recorded(device, () => {
    const value = resultOf("hessianVectorProduct", f, own);
    checkScalar("hessianVectorProduct", value);
    return gradientsBy(inner(gradientsBy(value, own, true), vectors), own, outer);
  });
}

/** `x` as a constant: the same memory, through which no gradient passes. The same as `x.detach()`. */
export function stopGradient(x: Tensor): Tensor {
  checkTensor("stopGradient", "x", x);
  return x.detach();
}
