import { checkInputs } from "../tensor/define-op.js";
import { checkRate, dropout } from "../tensor/ops/dropout.js";
import { checkKind, readOptions } from "../tensor/options.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { Module } from "./module.js";

/** Dropout in training, the identity in evaluation. See `dropout`. */
export class Dropout extends Module {
  /** Share of elements that become 0; may be changed between steps. */
  rate: number;
  /** Where the masks come from; may be changed between steps. */
  rng: Rng;

  /**
   * @param rng - Where the masks come from; give it a stream of its own (`rng.fork("dropout")`) that is saved with the run.
   * @throws {ShapeError} unless the rate lies in [0, 1).
   */
  constructor(rng: Rng, options: { readonly rate: number }) {
    super();
    checkKind("Dropout", "rng", rng, "rng");
    const { rate } = readOptions<{ readonly rate: number }>("Dropout", options, { rate: "number" });
    checkRate(rate, "Dropout");
    this.rate = rate;
    this.rng = rng;
  }

  /** @param x - Any shape. @returns `x`'s shape. */
  forward(x: Tensor): Tensor {
    checkInputs("Dropout", ["x"], [x], "any");
    if (!this.training) return x;
    const { recorder } = x.device;
    recorder.watch(this, "rate", () => this.rate);
    recorder.watch(this, "rng", () => this.rng);
    return dropout(x, { rate: this.rate, rng: this.rng });
  }
}
