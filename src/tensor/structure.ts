/** Tensors in arrays and plain objects. */
import { Tensor } from "./tensor.js";

/** A structure of arrays and plain objects with every tensor replaced, in order; `other` replaces what is none of these. */
export function mapTensors(
  value: unknown,
  tensor: (t: Tensor) => unknown,
  other = (v: unknown): unknown => v,
): unknown {
  if (value instanceof Tensor) return tensor(value);
  if (Array.isArray(value)) return value.map((item) => mapTensors(item, tensor, other));
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTensors(item, tensor, other)]));
  }
  return other(value);
}
