/** Scopes: what a block of code makes on a device is freed at its end. */
import type { Device } from "./device.js";
import { DisposedError } from "./errors.js";

/** Anything a scope frees when it ends. */
export interface Disposable {
  dispose(): void;
}

/**
 * Frees what was created while it was the innermost scope, except what is kept. Made by `device.scope()`, ended by `using`.
 *
 * A device knows one innermost scope. Two async functions that hold scopes on one device at once would take each other's
 * tensors: run them one after the other, or on devices of their own.
 */
export class Scope {
  readonly #device: Device;
  readonly #owned = new Set<Disposable>();

  constructor(device: Device) {
    this.#device = device;
  }

  /** Registers something created in this scope. */
  own(item: Disposable): void {
    this.#owned.add(item);
  }

  /** True for what was created in this scope and not kept. */
  owns(item: Disposable): boolean {
    return this.#owned.has(item);
  }

  /** Hands `items` to the enclosing scope (or to the caller, when there is none); returns the first. */
  keep<T extends Disposable>(item: T, ...more: Disposable[]): T {
    for (const kept of [item, ...more]) if (this.#owned.delete(kept)) this.#device.scopeAround(this)?.own(kept);
    return item;
  }

  /**
   * Frees everything that was not kept.
   *
   * @throws {DisposedError} when a scope that was started later is still open: two async functions took turns.
   */
  [Symbol.dispose](): void {
    const innermost = this.#device.leaveScope(this);
    for (const item of this.#owned) item.dispose();
    this.#owned.clear();
    if (innermost) return;
    throw new DisposedError(
      "scope: it ended while a scope that was started later was open, so that tensors may have gone to the wrong one; run async functions with scopes one after the other, or on devices of their own",
    );
  }
}
