/** Capture: a function of tensors is recorded in its first call and replayed in later ones, without running it again. */
import type { Device } from "../kernels/device.js";
import { CaptureError, DisposedError, ShapeError } from "../kernels/errors.js";
import { Recording } from "../kernels/recording.js";
import { copiesOut, outputsOf, signatureOf } from "./capture-values.js";
import { checkKind, readOptions } from "./options.js";
import { mapTensors } from "./structure.js";
import { checkDevice, Tensor } from "./tensor.js";

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
  /**
   * Makes a call ready without doing what it does: the function runs once to be recorded, nothing of it is done on the GPU, and
   * all kernels that a replay needs compile side by side while the host goes on, so that a page stays alive. The next call with
   * arguments of these shapes, and modules in this mode, replays. The content of the tensors does not matter.
   *
   * @throws {CaptureError} where the call would, and in a captured function.
   * @throws {DeviceError} naming a kernel that does not compile.
   */
  prepare(...args: Arguments): Promise<void>;
  /** Frees the recordings. A later call throws a `DisposedError`. */
  dispose(): void;
  report(): CaptureReport;
};

/** Options of `capture`. */
export interface CaptureOptions {
  /** Recordings to keep; the one that was not used for longest goes first. Default 8. */
  readonly limit?: number;
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

  async prepare(args: readonly unknown[]): Promise<void> {
    this.#checkAlive();
    this.#device.recorder.refuse("prepare", "a captured function cannot wait for the GPU; prepare before the call");
    const { signature, tensors } = signatureOf(this.#device, args);
    if (this.#find(signature)) return;
    const { entry } = this.#record(signature, args, tensors, { rehearsal: true });
    try {
      await entry.recording.compile();
      this.#checkAlive();
      // A call may have come first.
      if (this.#find(signature)) return disposeEntry(entry);
      entry.recording.bind();
      this.#keep(entry);
    } catch (error) {
      disposeEntry(entry);
      throw error;
    }
  }

  #checkAlive(): void {
    if (this.#disposed) throw new DisposedError("capture: the captured function was disposed");
  }

  /** The recording that a call may replay. */
  #find(signature: string): Entry | undefined {
    return this.#entries.find((entry) => entry.signature === signature && entry.recording.holds());
  }

  call(args: readonly unknown[]): unknown {
    this.#checkAlive();
    const device = this.#device;
    // Part of a recording that is being made already.
    if (device.recorder.current) return this.#fn(...(args as never[]));
    const { signature, tensors } = signatureOf(device, args);
    const known = this.#find(signature);
    if (!known) {
      const { entry, result } = this.#record(signature, args, tensors);
      this.#keep(entry);
      return result;
    }
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
  #record(signature: string, args: readonly unknown[], tensors: readonly Tensor[], { rehearsal = false } = {}) {
    const { recorder } = this.#device;
    const recording = recorder.start((device) => new Recording(device), { rehearsal });
    const inputs = recorder.paused(() => tensors.map((tensor) => inputLike(tensor, recording)));
    const results: Tensor[] = [];
    try {
      const { outputs, result } = this.#run(recording, args, inputs, results, rehearsal);
      if (recording.left > 0) {
        throw new CaptureError(
          `capture: ${recording.left} tensor(s) made by the function outlive its call; return them, or make them outside`,
        );
      }
      recorder.stop();
      if (rehearsal) recording.untouch();
      else recording.bind();
      return { entry: { signature, recording, inputs, outputs }, result };
    } catch (error) {
      recorder.abandon();
      if (rehearsal) recording.untouch();
      for (const tensor of [...inputs, ...results]) tensor.dispose();
      recording.dispose();
      throw error;
    }
  }

  /** The recorded run; `results` takes the tensors that were made for the caller. */
  #run(
    recording: Recording,
    args: readonly unknown[],
    inputs: readonly Tensor[],
    results: Tensor[],
    rehearsal: boolean,
  ) {
    const device = this.#device;
    using scope = device.scope();
    const next = inputs.values();
    const own = mapTensors(args, () => next.next().value);
    const outputs = outputsOf(device, recording, this.#fn(...(own as never[])));
    if (rehearsal) return { outputs, result: null };
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
    prepare: (...args: Arguments) => recordings.prepare(args),
    dispose: () => recordings.dispose(),
    report: () => recordings.report(),
  });
  backstop.register(captured, recordings);
  return captured;
}
