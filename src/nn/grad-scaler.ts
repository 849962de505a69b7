import type { Device } from "../kernels/device.js";
import { ShapeError } from "../kernels/errors.js";
import { Gradients } from "../tensor/backward.js";
import { checkInputs } from "../tensor/define-op.js";
import { mul, reciprocal } from "../tensor/ops/elementwise.js";
import { completeOptions, readOptions, show } from "../tensor/options.js";
import { checkDevice, full, type Tensor } from "../tensor/tensor.js";
import { checkGradients, globalNorm } from "./clip.js";

/** Options of `GradScaler`. */
export interface GradScalerOptions {
  /** Scale of the first step. Default 65536. */
  readonly scale?: number;
  /** Factor after `growthInterval` good steps in a row. Default 2. */
  readonly growth?: number;
  /** Factor after a step that was skipped. Default 0.5. */
  readonly backoff?: number;
  /** Default 2000. */
  readonly growthInterval?: number;
}

/** Where a scaler stands, for checkpoints: plain numbers. */
export interface GradScalerState {
  readonly scale: number;
  /** Good steps since the scale last changed. */
  readonly goodSteps: number;
}

/** What takes a step along gradients: an optimizer. */
interface Steps {
  step(gradients: ReadonlyMap<Tensor, Tensor>): void;
}

/**
 * Loss scaling: small gradients survive f16 when the loss is multiplied before `backward` and they are divided after it. The
 * scale grows until gradients overflow; such a step is skipped, and the scale falls.
 *
 * Gradients are f32 here, also those of f16 tensors, so that it changes nothing but rounding unless a kernel of one's own
 * computes in f16. `step` waits for the GPU to say whether all is finite, so it stands outside of captured functions. Clip after
 * `unscale`. With accumulated gradients, unscale and step once, when all are added up.
 *
 * @see Micikevicius et al. 2018, section 3.2; torch.cuda.amp.GradScaler.
 *
 * @example
 * const scaler = new GradScaler(device);
 * const gradients = scaler.unscale(backward(scaler.scale(loss)));
 * await scaler.step(optimizer, gradients); // false when the step was skipped
 */
export class GradScaler {
  readonly #options: Required<GradScalerOptions>;
  readonly #scale: Tensor;
  #value: number;
  #goodSteps = 0;

  /** @throws {ShapeError} unless the scale is above 0, growth at least 1, backoff in (0, 1] and the interval at least 1. */
  constructor(device: Device, options: GradScalerOptions = {}) {
    checkDevice("GradScaler", device);
    const defaults = { scale: 65536, growth: 2, backoff: 0.5, growthInterval: 2000 };
    const kinds = { scale: "number", growth: "finite", backoff: "number", growthInterval: "number" } as const;
    this.#options = completeOptions<Required<GradScalerOptions>>("GradScaler", options, defaults, kinds);
    const { scale, growth, backoff, growthInterval } = this.#options;
    if (!(scale > 0 && scale < Infinity && growth >= 1 && backoff > 0 && backoff <= 1 && growthInterval >= 1)) {
      throw new ShapeError(
        `GradScaler: needs scale > 0, growth >= 1, backoff in (0, 1] and growthInterval >= 1, got ${scale}, ${growth}, ${backoff} and ${growthInterval}`,
      );
    }
    this.#value = scale;
    this.#scale = device.unscoped(() => full(device, [], scale));
  }

  /** `loss * scale`. */
  scale(loss: Tensor): Tensor {
    checkInputs("GradScaler.scale", ["loss"], [loss]);
    return mul(loss, this.#scale);
  }

  /** `gradients / scale`, before they are clipped or used. */
  unscale(gradients: ReadonlyMap<Tensor, Tensor>): Gradients {
    checkGradients("GradScaler.unscale", gradients);
    return this.#scale.device.noGrad(() => {
      const inverse = reciprocal(this.#scale);
      return new Gradients([...gradients].map(([tensor, gradient]) => [tensor, mul(gradient, inverse)]));
    });
  }

  /**
   * Takes the step when every element of the gradients is finite, and adjusts the scale. Waits for the GPU to know.
   *
   * @param gradients - Unscaled.
   * @returns Whether the step was taken.
   */
  async step(optimizer: Steps, gradients: ReadonlyMap<Tensor, Tensor>): Promise<boolean> {
    if (typeof (optimizer as Partial<Steps> | null | undefined)?.step !== "function")
      throw new ShapeError(`GradScaler.step: optimizer must have a step, got ${show(optimizer)}`);
    checkGradients("GradScaler.step", gradients);
    // NaN and infinity both survive in the largest magnitude.
    const largest = globalNorm(gradients, { p: Infinity });
    const finite = Number.isFinite(await largest.item());
    largest.dispose();
    const { growth, backoff, growthInterval } = this.#options;
    if (finite) {
      optimizer.step(gradients);
      if (++this.#goodSteps >= growthInterval) this.#set(this.#value * growth);
    } else this.#set(this.#value * backoff);
    return finite;
  }

  /** Where it stands. */
  state(): GradScalerState {
    return { scale: this.#value, goodSteps: this.#goodSteps };
  }

  /** Puts it back. @throws {ShapeError} unless both are numbers that a scaler can have. */
  restore(state: GradScalerState): void {
    const kinds = { scale: "finite", goodSteps: "count" } as const;
    const { scale, goodSteps } = readOptions<GradScalerState>("GradScaler.restore", state, kinds);
    if (!(scale > 0)) throw new ShapeError(`GradScaler.restore: scale must be above 0, got ${scale}`);
    this.#set(scale);
    this.#goodSteps = goodSteps;
  }

  /** Frees the scale. */
  dispose(): void {
    this.#scale.dispose();
  }

  #set(scale: number): void {
    // A scale that overflows, or whose inverse does, would make every gradient infinite.
    this.#value = Math.min(Math.max(scale, 2 ** -100), 2 ** 100);
    this.#goodSteps = 0;
    this.#scale.write([this.#value]);
  }
}
