/** How ops work on f16: on f32 copies that live as long as the op runs. */
import { narrow, widen } from "../kernels/half.js";
import { isFloat } from "./host-values.js";
import { mapTensors } from "./structure.js";
import { empty, Tensor } from "./tensor.js";

/** What an op does with f16. */
export interface Halves<Name extends string> {
  /** Inputs that may be f16. */
  readonly inputs: readonly Name[];
  /** The output is f16, not f32, when each of these is; scalars do not count beside tensors that have axes, as in PyTorch. Default `inputs`. */
  readonly like?: readonly Name[];
}

/** True for an f16 tensor. */
export const isHalf = (value: unknown): value is Tensor => value instanceof Tensor && value.dtype === "f16";

/** True when the output of an op is to be f16. */
export function keptHalves(
  { inputs, like = inputs }: Halves<string>,
  names: readonly string[],
  tensors: readonly (Tensor | null)[],
): boolean {
  const deciding = tensors.filter(
    (tensor, i): tensor is Tensor =>
      tensor !== null && like.includes((names[i] as string).replace("?", "")) && isFloat(tensor.dtype),
  );
  const withAxes = deciding.filter(({ rank }) => rank > 0);
  const counted = withAxes.length > 0 ? withAxes : deciding;
  return counted.length > 0 && counted.every(isHalf);
}

/** Runs `forward` on f32 copies of f16 inputs and output. What it saves of a copy is the f16 tensor. */
export function wideRun<Ins extends readonly (Tensor | null)[], Saved>(
  forward: (output: Tensor, inputs: Ins) => Saved,
  output: Tensor,
  inputs: Ins,
): Saved {
  const { device } = output;
  const originals = new Map<Tensor, Tensor>();
  const copyOf = (half: Tensor): Tensor => {
    const copy = empty(device, half.shape, "f32", "half/copy");
    originals.set(copy, half);
    return copy;
  };
  const wide = inputs.map((input) => {
    if (!isHalf(input)) return input;
    const copy = copyOf(input);
    widen(device, { input: input.storage, output: copy.storage, count: input.size });
    return copy;
  }) as unknown as Ins;
  const result = isHalf(output) ? copyOf(output) : output;
  const saved = forward(result, wide);
  if (result !== output) narrow(device, { input: result.storage, output: output.storage, count: output.size });
  for (const copy of originals.keys()) copy.dispose();
  return mapTensors(saved, (tensor) => originals.get(tensor) ?? tensor) as Saved;
}

/** What was saved, with f16 tensors widened when, and only when, they are asked for. */
export function lazilyWide<Saved>(saved: Saved, widened: (half: Tensor) => Tensor): Saved {
  if (isHalf(saved)) return widened(saved) as Saved;
  const plain =
    Array.isArray(saved) || (typeof saved === "object" && Object.getPrototypeOf(saved) === Object.prototype);
  if (!plain) return saved;
  return new Proxy(saved as object, { get: (target, name) => lazilyWide(Reflect.get(target, name), widened) }) as Saved;
}
