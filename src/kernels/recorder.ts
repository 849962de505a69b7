/** Tells the recording that is being made, if any, what happens on a device. */
import { CaptureError } from "./errors.js";
import type { Recording, RecordingDevice } from "./recording.js";
import type { Storage } from "./storage.js";

/** The recording that is being made on a device, if any, and what ops tell it. */
export class Recorder {
  #current: Recording | null = null;
  #refused: CaptureError | null = null;
  #rehearses = false;
  /** What puts host state back as it was before a rehearsal. */
  #undo: (() => void)[] = [];
  readonly #device: RecordingDevice;

  constructor(device: RecordingDevice) {
    this.#device = device;
  }

  /** The recording being made; `null` when there is none. */
  get current(): Recording | null {
    return this.#current;
  }

  /** True while commands are only noted down, not done. */
  get rehearsing(): boolean {
    return this.#rehearses && this.#current !== null;
  }

  /**
   * Starts the recording that `make` makes: given here, so that a page without captured functions ships nothing of them. In a
   * rehearsal the commands are noted down and not done, and host state is put back when it ends.
   */
  start(make: (device: RecordingDevice) => Recording, { rehearsal = false } = {}): Recording {
    this.#refused = null;
    this.#rehearses = rehearsal;
    this.#current = make(this.#device);
    making.add(this);
    return this.#current;
  }

  /** Ends the recording. @throws {CaptureError} what was refused while it was made, even where the function caught that. */
  stop(): void {
    const recording = this.#current;
    this.abandon();
    if (this.#refused) throw this.#refused;
    recording?.finish();
  }

  /** Gives up the recording, after an error. */
  abandon(): void {
    this.#current = null;
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
    making.delete(this);
  }

  /** Runs `body` without recording it: for what lives outside, such as constants. */
  paused<T>(body: () => T): T {
    const recording = this.#current;
    this.#current = null;
    try {
      return body();
    } finally {
      this.#current = recording;
    }
  }

  /**
   * Tells the recording that what is being recorded depends on host state: the `name` of `owner`. When `read` returns another
   * value before a replay, the function is recorded again.
   */
  watch(owner: object, name: string, read: () => unknown): void {
    this.#current?.watch(owner, name, read);
  }

  /** @throws {CaptureError} while a recording is made. */
  refuse(what: string, why: string): void {
    if (!this.#current) return;
    this.#refused ??= new CaptureError(`${what}: ${why}`);
    throw this.#refused;
  }

  /**
   * Runs `write`, which changes `storage` from the host, now and before the commands that follow it in every replay.
   *
   * @param save - Notes the host state that `write` moves on, and returns what puts it back.
   */
  hostWrite(storage: Storage, write: (storage: Storage) => void, save?: () => () => void): void {
    if (save && this.rehearsing) this.#undo.push(save());
    this.paused(() => write(storage));
    this.#current?.addHostWrite(storage, write);
  }
}

/** Recorders that have a recording in the making: modules know no device, and tell them all. */
const making = new Set<Recorder>();

/** `Recorder.watch` on every device that records. */
export function watchState(owner: object, name: string, read: () => unknown): void {
  for (const recorder of making) recorder.watch(owner, name, read);
}
