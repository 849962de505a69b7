/** Capture: a function of tensors is recorded in its first call and replayed in later ones, without running it again. */
import type { Device, StorageCopy } from "../kernels/device.js";
import { CaptureError, DisposedError, ShapeError } from "../kernels/errors.js";
import { Recording } from "../kernels/recording.js";
import { Storage } from "../kernels/storage.js";
import { checkKind, readOptions } from "./options.js";
import { formatShape, type Shape } from "./shape.js";
import { mapTensors } from "./structure.js";
import { checkDevice, type DType, empty, Tensor } from "./tensor.js";

/**
 * What a captured function takes: tensors, alone or in arrays and plain objects, and plain values, which are part of its
 * signature. Objects of a class are refused when it is called.
 */
export type CaptureInput = Tensor | object | number | string | boolean | null | undefined;

/** What a captured function returns: tensors, alone or in arrays and plain objects, or nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is one too.
export type CaptureOutput = Tensor | object | null | undefined | void;

/** What a captured function costs. */
export interface CaptureReport {
  /** Recordings that are kept: one for each signature, and for each state of the modules that it was called in. */
  readonly recordings: number;
  /** Dispatches of the recording that ran last. */
  readonly dispatches: number;
  /** Bytes of GPU memory that the recordings hold. */
  readonly bytes: number;
}

/** A captured function: called like the function itself. */
export type Captured<Arguments extends readonly CaptureInput[], Result extends CaptureOutput> = ((
  ...args: Arguments
) => Result) & {
  /** Frees the recordings. A later call throws a `DisposedError`. */
  dispose(): void;
  report(): CaptureReport;
};

/** Options of `capture`. */
export interface CaptureOptions {
  /** Recordings to keep; the one that was not used for longest goes first. Default 8. */
  readonly limit?: number;
}

/** A result of the recorded run: where its elements are when a run has ended. */
interface Output {
  readonly storage: Storage;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A recording with what goes in and comes out. */
interface Entry {
  readonly signature: string;
  readonly recording: Recording;
  /** The tensors that the function was recorded with. */
  readonly inputs: readonly Tensor[];
  /** What the function returned, with an `Output` for every tensor. */
  readonly outputs: unknown;
}

/** The tensors of a call's arguments, and a text that is the same for calls that may share a recording. */
function signatureOf(device: Device, args: readonly unknown[]): { signature: string; tensors: Tensor[] } {
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
function outputsOf(device: Device, recording: Recording, result: unknown): unknown {
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
function copiesOut(device: Device, recording: Recording, outputs: unknown) {
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

/** The recordings of one captured function. */
class Recordings {
  readonly #device: Device;
  readonly #fn: (...args: never[]) => unknown;
  readonly #limit: number;
  /** The one used last comes last. */
  #entries: Entry[] = [];
  #disposed = false;

  constructor(device: Device, fn: (...args: never[]) => unknown, limit: number) {
    this.#device = device;
    this.#fn = fn;
    this.#limit = limit;
  }

  call(args: readonly unknown[]): unknown {
    if (this.#disposed) throw new DisposedError("capture: the captured function was disposed");
    const device = this.#device;
    // Part of a recording that is being made already.
    if (device.recorder.current) return this.#fn(...(args as never[]));
    const { signature, tensors } = signatureOf(device, args);
    const known = this.#entries.find((entry) => entry.signature === signature && entry.recording.holds());
    if (!known) return this.#record(signature, args, tensors);
    this.#keep(known);
    const before = tensors.map(({ storage, byteLength }, i) => ({
      from: storage,
      to: (known.inputs[i] as Tensor).storage,
      bytes: byteLength,
    }));
    const { result, copies } = copiesOut(device, known.recording, known.outputs);
    device.replay(known.recording, { before, after: copies });
    return result;
  }

  dispose(): void {
    this.#disposed = true;
    for (const entry of this.#entries) disposeEntry(entry);
    this.#entries = [];
  }

  report(): CaptureReport {
    const commands = this.#entries.at(-1)?.recording.commands ?? [];
    return {
      recordings: this.#entries.length,
      dispatches: commands.filter(({ kind }) => kind === "dispatch").length,
      bytes: this.#entries.reduce((sum, { recording }) => sum + recording.bytes, 0),
    };
  }

  #keep(entry: Entry): void {
    this.#entries = [...this.#entries.filter((other) => other !== entry), entry];
    while (this.#entries.length > this.#limit) disposeEntry(this.#entries.shift() as Entry);
  }

  /** Runs the function on tensors of its own, with the content of `tensors`, while recording. */
  #record(signature: string, args: readonly unknown[], tensors: readonly Tensor[]): unknown {
    const { recorder } = this.#device;
    const recording = recorder.start((device) => new Recording(device));
    const inputs = recorder.paused(() => tensors.map((tensor) => inputLike(tensor, recording)));
    const results: Tensor[] = [];
    try {
      const { outputs, result } = this.#run(recording, args, inputs, results);
      if (recording.left > 0) {
        throw new CaptureError(
          `capture: ${recording.left} tensor(s) made by the function outlive its call; return them, or make them outside`,
        );
      }
      recorder.stop();
      this.#keep({ signature, recording, inputs, outputs });
      return result;
    } catch (error) {
      recorder.abandon();
      for (const tensor of [...inputs, ...results]) tensor.dispose();
      recording.dispose();
      throw error;
    }
  }

  /** The recorded run; `results` takes the tensors that were made for the caller. */
  #run(recording: Recording, args: readonly unknown[], inputs: readonly Tensor[], results: Tensor[]) {
    const device = this.#device;
    using scope = device.scope();
    const next = inputs.values();
    const own = mapTensors(args, () => next.next().value);
    const outputs = outputsOf(device, recording, this.#fn(...(own as never[])));
    return device.recorder.paused(() => {
      const { result, tensors, copies } = copiesOut(device, recording, outputs);
      results.push(...tensors);
      for (const { from, to, bytes } of copies) device.copy(from, 0, to, 0, bytes);
      for (const tensor of tensors) scope.keep(tensor);
      return { outputs, result };
    });
  }
}

/** A tensor of the recording's own with the content of another. */
function inputLike({ device, shape, dtype, byteLength, requiresGrad, storage }: Tensor, recording: Recording): Tensor {
  const memory = recording.reserve(byteLength, "capture/input");
  memory.retain();
  const input = device.unscoped(() => new Tensor(device, shape, dtype, memory));
  input.requiresGrad = requiresGrad;
  device.copy(storage, 0, memory, 0, byteLength);
  return input;
}

function disposeEntry({ recording, inputs }: Entry): void {
  for (const input of inputs) input.dispose();
  recording.dispose();
}

const backstop = new FinalizationRegistry<Recordings>((recordings) => recordings.dispose());

/**
 * A function that records what it does on the GPU in its first call, and afterwards does the same again without running: no
 * shape checks, no allocation, one submit; neighbouring elementwise ops run as one kernel, and tensors that are not needed at
 * the same time share memory. For training steps. The bits are those of calling the function itself.
 *
 * Arguments are tensors, whose content is copied in, and plain values; a call with other shapes, types or values, or with
 * modules in another mode, is recorded on its own. Results are tensors of the caller's, as an op's are, without gradients.
 * Parameters, optimizers, generators and running statistics that the function uses change in each call as they would without
 * capture; set an optimizer's `lr` and a module's mode before the call.
 *
 * All else that the function reads is that of the recorded call: numbers that JavaScript computes, branches, which layers
 * there are. What would be wrong in later calls for certain (reading or writing tensors from the host, an async function, a
 * new generator, a tensor that is kept but not returned) is refused.
 *
 * @param options - `limit`: recordings that are kept, default 8.
 * @returns The captured function. Its `dispose` frees the recordings' memory, which `device.memory()` counts as `capturedBytes`.
 * @throws {CaptureError} from a call, when the function does what cannot be replayed.
 *
 * @example
 * const step = capture(device, (x: Tensor, y: Tensor) => {
 *   const loss = mse(net.forward(x), y);
 *   optimizer.step(backward(loss));
 *   return loss;
 * });
 */
export function capture<Arguments extends readonly CaptureInput[], Result extends CaptureOutput>(
  device: Device,
  fn: (...args: Arguments) => Result,
  options: CaptureOptions = {},
): Captured<Arguments, Result> {
  checkDevice("capture", device);
  checkKind("capture", "fn", fn, "function");
  const { limit = 8 } = readOptions<CaptureOptions>("capture", options, { limit: "number?" });
  if (!(Number.isInteger(limit) && limit >= 1))
    throw new ShapeError(`capture: limit must be a whole number >= 1, got ${limit}`);
  const recordings = new Recordings(device, fn as unknown as (...args: never[]) => unknown, limit);
  const call = (...args: Arguments) => recordings.call(args) as Result;
  const captured = Object.assign(call, {
    dispose: () => recordings.dispose(),
    report: () => recordings.report(),
  });
  backstop.register(captured, recordings);
  return captured;
}
