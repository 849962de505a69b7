/** How ops work on f16: on f32 copies that live as long as the op runs. */
import { narrow, widen } from "../kernels/half.js";
import { isFloat } from "./host-values.js";
import { mapTensors } from "./structure.js";
import { empty, isConstant, Tensor } from "./tensor.js";

/** True for an f16 tensor. */
export const isHalf = (value: unknown): value is Tensor => value instanceof Tensor && value.dtype === "f16";

/** True where all of `deciding` that are numbers with a fraction are f16. Scalars do not count beside tensors that have axes. */
export function allHalves(deciding: readonly (Tensor | null)[]): boolean {
  const floats = deciding.filter((tensor) => tensor !== null && isFloat(tensor.dtype) && !isConstant(tensor));
  const withAxes = floats.filter((tensor) => tensor !== null && tensor.rank > 0);
  const counted = withAxes.length > 0 ? withAxes : floats;
  return counted.length > 0 && counted.every(isHalf);
}

/**
 * Runs `forward` on f32 copies of f16 inputs and output. Inputs that it changes in place are changed; what it saves of a copy is the
 * f16 tensor.
 */
export function wideRun<Ins extends readonly (Tensor | null)[], Saved>(
  forward: (output: Tensor, inputs: Ins) => Saved,
  output: Tensor,
  inputs: Ins,
): Saved {
  const { device } = output;
  const copies = new Map<Tensor, Tensor>();
  const copyOf = (half: Tensor): Tensor => {
    const copy = copies.get(half) ?? empty(device, half.shape, "f32", "half/copy");
    // Some ops save less where no gradient is wanted.
    copy.requiresGrad = half.requiresGrad;
    copies.set(half, copy);
    return copy;
  };
  const back = (half: Tensor, copy: Tensor) =>
    narrow(device, { input: copy.storage, output: half.storage, count: half.size });
  try {
    const wide = inputs.map((input) => (isHalf(input) ? copyOf(input) : input)) as unknown as Ins;
    for (const [half, copy] of copies) widen(device, { input: half.storage, output: copy.storage, count: half.size });
    const versions = [...copies].map(([half, copy]) => ({ half, copy, version: copy.storage.version }));
    const saved = forward(isHalf(output) ? copyOf(output) : output, wide);
    for (const { half, copy, version } of versions) {
      if (copy.storage.version === version) continue;
      back(half, copy);
      half.storage.version++;
    }
    if (isHalf(output)) back(output, copyOf(output));
    const originals = new Map([...copies].map(([half, copy]) => [copy, half]));
    return mapTensors(saved, (tensor) => originals.get(tensor) ?? tensor) as Saved;
  } finally {
    for (const copy of copies.values()) copy.dispose();
  }
}

/** What was saved, with f16 tensors widened when, and only when, they are asked for. */
export function lazilyWide<Saved>(saved: Saved, widened: (half: Tensor) => Tensor): Saved {
  if (isHalf(saved)) return widened(saved) as Saved;
  const plain =
    Array.isArray(saved) ||
    (typeof saved === "object" && saved !== null && Object.getPrototypeOf(saved) === Object.prototype);
  if (!plain) return saved;
  return new Proxy(saved as object, { get: (target, name) => lazilyWide(Reflect.get(target, name), widened) }) as Saved;
}
