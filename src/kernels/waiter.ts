/** Waiting for the GPU without taking a software driver's cores. */

/** What the host sleeps on under Node; `null` in a page, whose main thread may not sleep. */
const sleepCell =
  typeof process === "undefined" || typeof SharedArrayBuffer === "undefined" || typeof setImmediate === "undefined"
    ? null
    : new Int32Array(new SharedArrayBuffer(4));

/** A nap is this share of the time waited so far, and so is the most that a wait is lengthened by. */
const napShare = 1 / 32;
/** In ms: the shortest nap, which a driver needs to get anywhere, and the longest, in which timers and signals go unanswered. */
const [shortestNap, longestNap] = [0.05, 20];

/** Waits for promises of the GPU. */
export class Waiter {
  readonly #software: boolean;

  /** @param software - The driver computes on the host's own cores. */
  constructor(software: boolean) {
    this.#software = software;
  }

  /** Node polls Dawn in every turn of the event loop while it waits, which costs a software driver one of its cores: so there the host naps between the turns. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    if (!this.#software || !sleepCell) return promise;
    let settled = false;
    const settle = () => {
      settled = true;
    };
    promise.then(settle, settle);
    const start = performance.now();
    // The first turn is free: what is done already resolves in it.
    for (
      let nap = 0;
      !settled;
      nap = Math.min(Math.max(napShare * (performance.now() - start), shortestNap), longestNap)
    ) {
      if (nap > 0) Atomics.wait(sleepCell, 0, 0, nap);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return promise;
  }
}
