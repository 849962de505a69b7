/** Initial values of weights. Each is a function of a generator and a shape, so that a layer takes any of them as `init`. */
import { ShapeError } from "../kernels/errors.js";
import { checkKind, readOptions, show } from "../tensor/options.js";
import type { Rng } from "../tensor/random.js";
import { checkShape, formatShape, type Shape, sameShape, sizeOf } from "../tensor/shape.js";
import { full, Tensor } from "../tensor/tensor.js";
import { Parameter } from "./module.js";

/** Makes the initial value of a weight. */
export type Initialiser = (rng: Rng, shape: Shape) => Tensor;

/** @throws {ShapeError} unless `init` gives a tensor of the shape. @returns It, as a parameter. */
export function initialParameter(op: string, rng: Rng, shape: Shape, init: Initialiser): Parameter {
  const drawn: unknown = init(rng, shape);
  if (!(drawn instanceof Tensor && sameShape(drawn.shape, shape))) {
    const got = drawn instanceof Tensor ? formatShape(drawn.shape) : show(drawn);
    throw new ShapeError(`${op}: an initialiser must give a tensor of shape ${formatShape(shape)}, got ${got}`);
  }
  return Parameter.from(drawn);
}

/** What the options of a layer with initial weights may be. */
export const weightKinds = { bias: "boolean?", init: "function?", biasInit: "function?" } as const;

/** Inputs that add up to an output, and outputs that an input reaches. */
export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

/**
 * Fans by shape, as Keras counts them: `[in, out]`; a filter `[..., in, out]` times its taps; a vector of n as sqrt(n) both
 * ways. A dense weight over a feature map that is kept as `[H, W, C, V]` therefore counts like a filter.
 */
export function fansOf(shape: Shape): Fans {
  checkShape("fansOf", shape);
  if (shape.length < 2) {
    const fan = Math.sqrt(sizeOf(shape));
    return { fanIn: fan, fanOut: fan };
  }
  const taps = sizeOf(shape.slice(0, -2));
  return { fanIn: taps * (shape.at(-2) as number), fanOut: taps * (shape.at(-1) as number) };
}

/** Standard deviation of a standard normal truncated at two sigma. */
const truncatedStd = 0.87962566103423978;

/** Checks what the initialisers take, and gives the fans. @throws {ShapeError} when it is something else. */
function checkedFans(op: string, rng: Rng, shape: Shape, fans: Fans | undefined): Fans {
  checkKind(op, "rng", rng, "rng");
  checkShape(op, shape);
  return fans === undefined ? fansOf(shape) : readOptions<Fans>(op, fans, { fanIn: "finite", fanOut: "finite" });
}

const scaledNormal = (rng: Rng, shape: Shape, variance: number) =>
  rng.truncatedNormal(shape, { mean: 0, std: Math.sqrt(variance) / truncatedStd });

/**
 * Normal, truncated at two sigma, of variance `2 / (fanIn + fanOut)` after the truncation.
 *
 * @param fans - Default: by shape, see `fansOf`.
 * @see Glorot & Bengio 2010; keras.initializers.glorot_normal of Keras 2.2.4.
 */
export function glorotNormal(rng: Rng, shape: Shape, fans?: Fans): Tensor {
  const { fanIn, fanOut } = checkedFans("glorotNormal", rng, shape, fans);
  return scaledNormal(rng, shape, 1 / Math.max(1, (fanIn + fanOut) / 2));
}

/** Uniform in `[-a, a)`, `a = sqrt(6 / (fanIn + fanOut))`. See `glorotNormal`. */
export function glorotUniform(rng: Rng, shape: Shape, fans?: Fans): Tensor {
  const { fanIn, fanOut } = checkedFans("glorotUniform", rng, shape, fans);
  const high = Math.sqrt(3 / Math.max(1, (fanIn + fanOut) / 2));
  return rng.uniform(shape, { low: -high, high });
}

/** Normal, truncated at two sigma, of variance `2 / fanIn` after the truncation. @see He et al. 2015. */
export function heNormal(rng: Rng, shape: Shape, fans?: Fans): Tensor {
  const { fanIn } = checkedFans("heNormal", rng, shape, fans);
  return scaledNormal(rng, shape, 2 / Math.max(1, fanIn));
}

/** An initialiser that fills with one value. */
export function constantInit(value: number): Initialiser {
  checkKind("constantInit", "value", value, "number");
  return (rng, shape) => {
    checkKind("constantInit", "rng", rng, "rng");
    return full(rng.device, shape, value);
  };
}

/** Zeros. */
export const zerosInit: Initialiser = constantInit(0);
