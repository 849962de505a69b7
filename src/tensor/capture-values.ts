/** What goes into a captured function and comes out of it. */
import type { Device, StorageCopy } from "../kernels/device.js";
import { CaptureError, ShapeError } from "../kernels/errors.js";
import type { Recording } from "../kernels/recording.js";
import { Storage } from "../kernels/storage.js";
import { formatShape, type Shape } from "./shape.js";
import { mapTensors } from "./structure.js";
import { type DType, empty, type Tensor } from "./tensor.js";

/** A result of the recorded run: where its elements are when a run has ended. */
interface Output {
  readonly storage: Storage;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** The tensors of a call's arguments, and a text that is the same for calls that may share a recording. */
export function signatureOf(device: Device, args: readonly unknown[]): { signature: string; tensors: Tensor[] } {
  const tensors: Tensor[] = [];
  const shape = mapTensors(
    args,
    (input) => {
      if (input.device !== device) throw new ShapeError("capture: an argument lives on another device");
      // Throws when it was freed.
      void input.storage;
      tensors.push(input);
      return `${input.dtype} ${formatShape(input.shape)} ${input.requiresGrad}`;
    },
    (value) => {
      if (value === null || !["object", "function", "symbol"].includes(typeof value))
        return [typeof value, String(value)];
      throw new CaptureError(
        `capture: arguments must be tensors, numbers, strings, booleans or null, in arrays and plain objects or not, got ${typeof value}; what never changes can come from the function's surroundings`,
      );
    },
  );
  return { signature: `${device.recording} ${JSON.stringify(shape)}`, tensors };
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** The function's result with an `Output` for every tensor. */
export function outputsOf(device: Device, recording: Recording, result: unknown): unknown {
  if (isPromise(result)) {
    result.then(undefined, () => undefined);
    throw new CaptureError("capture: the function must not be async, got a promise; await what it returns instead");
  }
  return mapTensors(
    result,
    (tensor): Output => {
      if (tensor.device !== device) throw new ShapeError("capture: a result lives on another device");
      recording.addResult(tensor.storage);
      return { storage: tensor.storage, shape: tensor.shape, dtype: tensor.dtype };
    },
    (value) => {
      if (value === null || value === undefined) return value;
      throw new CaptureError(
        `capture: the function must return tensors, in arrays and plain objects or not, got ${typeof value}, which would be that of its first call for ever`,
      );
    },
  );
}

/** New tensors for the results, the caller's as any op's are, and the copies that fill them. */
export function copiesOut(device: Device, recording: Recording, outputs: unknown) {
  const copies: StorageCopy[] = [];
  const tensors: Tensor[] = [];
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== "object" || value === null) return value;
    if (!isOutput(value)) return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, visit(item)]));
    const copy = empty(device, value.shape, value.dtype, "capture/result");
    tensors.push(copy);
    copies.push({ from: recording.placeOf(value.storage), to: copy.storage, bytes: copy.byteLength });
    return copy;
  };
  return { result: visit(outputs), tensors, copies };
}

const isOutput = (value: object): value is Output => "storage" in value && value.storage instanceof Storage;
