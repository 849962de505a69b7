/** What went wrong on a device: errors that the GPU reported, and its loss. They come late, so the next `await` throws them. */
import { DeviceError } from "./errors.js";

/** The op that an error text names: the first label in it, as every GPU object is labelled `<op>` or `<op>/<role>`. */
function opOf(message: string): string {
  return /"([\w.-]+?)(?:\.wgsl|\/[^"]*)?"/.exec(message)?.[1] ?? "device";
}

/** Listens to a device's errors. */
export class Health {
  /** Resolves with the reason once the device is lost or destroyed; never rejects. */
  readonly lost: Promise<string>;
  readonly #gpu: GPUDevice;
  #failure: DeviceError | null = null;
  #lostReason: string | null = null;
  #resolveLost: (reason: string) => void = () => undefined;
  readonly #pending = new Set<Promise<void>>();

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
    this.lost = new Promise((resolve) => {
      this.#resolveLost = resolve;
    });
    gpu.addEventListener("uncapturederror", (event) => {
      const { message } = event.error;
      this.#fail(`${opOf(message)}: the GPU reported: ${message}`);
      // It is thrown by the next read: no need for the console.
      event.preventDefault();
    });
    void gpu.lost.then(({ message, reason }) => this.markLost(message || reason));
  }

  /** Takes note that the device cannot be used any more; the first reason stays. */
  markLost(reason: string): void {
    this.#lostReason ??= reason;
    this.#resolveLost(this.#lostReason);
  }

  /** Makes a GPU object of `bytes` bytes; that there was no memory for it is an error of `label`. */
  watchAllocation<T>(label: string, bytes: number, create: () => T): T {
    this.#gpu.pushErrorScope("out-of-memory");
    try {
      return create();
    } finally {
      const popped = this.#gpu.popErrorScope().then(
        (error) => {
          if (error) this.#fail(`${label}: the GPU has no memory for ${bytes} bytes: ${error.message}`);
        },
        // The device is lost, which is heard of elsewhere.
        () => undefined,
      );
      this.#pending.add(popped);
      void popped.then(() => this.#pending.delete(popped));
    }
  }

  /** The loss as an error of `what`; `null` while there is none. */
  lostError(what: string): DeviceError | null {
    return this.#lostReason === null ? null : new DeviceError(`${what}: the device was lost: ${this.#lostReason}`);
  }

  /** Throws what has been reported up to now, or that the device is lost. */
  async check(what: string): Promise<void> {
    await Promise.all(this.#pending);
    const failure = this.#failure;
    this.#failure = null;
    const error = failure ?? this.lostError(what);
    if (error) throw error;
  }

  /** Throws why waiting for the GPU failed. The loss may be announced a little later than what it broke. */
  async explain(what: string, error: unknown): Promise<never> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, 200);
    });
    if (!this.#failure) await Promise.race([this.lost, late]);
    clearTimeout(timer);
    await this.check(what);
    throw new DeviceError(`${what}: ${String(error)}`);
  }

  #fail(text: string): void {
    this.#failure ??= new DeviceError(text);
  }
}
