/** Waiting for the GPU without taking a software driver's cores. */

/** What the host sleeps on under Node; `null` in a page, whose main thread may not sleep. */
const sleepCell =
  typeof process === "undefined" || typeof SharedArrayBuffer === "undefined"
    ? null
    : new Int32Array(new SharedArrayBuffer(4));

/** Waits for promises of the GPU. */
export class Waiter {
  readonly #software: boolean;
  readonly #expectedMs = { read: 0, finish: 0 };

  /** @param software - The driver computes on the host's own cores. */
  constructor(software: boolean) {
    this.#software = software;
  }

  /**
   * Node polls Dawn while it waits, which costs a software driver one of its cores: so there the host first sleeps for most of
   * the time that the same kind of wait took last, and for less when it finds that it overslept.
   */
  async wait<T>(kind: "read" | "finish", promise: Promise<T>): Promise<T> {
    const expectedMs = this.#expectedMs[kind];
    const sleepMs = this.#software && sleepCell && expectedMs > 4 ? Math.min(0.7 * expectedMs, 1000) : 0;
    if (sleepMs > 0 && sleepCell) Atomics.wait(sleepCell, 0, 0, sleepMs);
    const awake = performance.now();
    const result = await promise;
    const restMs = performance.now() - awake;
    this.#expectedMs[kind] = restMs < 1 ? sleepMs / 2 : sleepMs + restMs;
    return result;
  }
}
