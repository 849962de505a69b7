/** The options of resizings: what they may be, and the sizes and ratios that follow from them. */
import { ShapeError } from "../kernels/errors.js";
import type { Ratio } from "../kernels/upsample2d.js";
import { checkChoice } from "./options.js";
import { type Pair, pair } from "./pair.js";
import { describeShapes, type Shape } from "./shape.js";

/** The rule of a resizing. */
export interface Sampling {
  /** Default `"nearest"`. */
  readonly mode?: "nearest" | "nearest-exact" | "bilinear" | "bicubic";
  /** Bilinear and bicubic: the centres of the corner pixels stay where they are. Default false: their outer corners do. */
  readonly alignCorners?: boolean;
  /** Bilinear and bicubic: where the image shrinks, let every pixel count. Default false. */
  readonly antialias?: boolean;
}

/** A resizing with every choice made. */
export interface Resizing extends Required<Sampling> {
  readonly H: number;
  readonly W: number;
  readonly OH: number;
  readonly OW: number;
  readonly ratios: readonly [Ratio, Ratio];
}

const both = (value: Pair): readonly [number, number] => (typeof value === "number" ? [value, value] : value);

/**
 * `value` as a fraction with parts below the limits: exact where it has one, else the best there is, by its continued fraction.
 *
 * @param limits - Of numerator and denominator.
 */
export function fraction(value: number, limits: readonly [number, number]): readonly [number, number] {
  let [before, last]: [readonly [number, number], readonly [number, number]] = [
    [0, 1],
    [1, 0],
  ];
  let rest = value;
  for (let i = 0; i < 64; i++) {
    const whole = Math.floor(rest);
    const next = [whole * last[0] + before[0], whole * last[1] + before[1]] as const;
    if (next[0] > limits[0] || next[1] > limits[1]) break;
    [before, last] = [last, next];
    if (Math.abs(last[0] / last[1] - value) <= 1e-15 * value) break;
    rest = 1 / (rest - whole);
  }
  return last[1] === 0 ? [Math.floor(value), 1] : last;
}

/** The rule with every choice made. @throws {ShapeError} when its parts do not go together. */
export function samplingOf(op: string, options: Sampling): Required<Sampling> {
  const { mode = "nearest", alignCorners = false, antialias = false } = options;
  checkChoice(op, "mode", mode, ["nearest", "nearest-exact", "bilinear", "bicubic"]);
  const smooth = mode === "bilinear" || mode === "bicubic";
  for (const [name, value] of Object.entries({ alignCorners, antialias })) {
    if (value && !smooth) throw new ShapeError(`${op}: ${name} needs mode "bilinear" or "bicubic", got mode "${mode}"`);
  }
  if (alignCorners && antialias) throw new ShapeError(`${op}: antialias has no alignCorners, got both`);
  return { mode, alignCorners, antialias };
}

/** @throws {ShapeError} unless one of scale and size is given. */
export function checkTarget(op: string, { scale, size }: { readonly scale?: Pair; readonly size?: Pair }): void {
  if ((scale === undefined) !== (size === undefined)) return;
  throw new ShapeError(`${op}: either scale or size must be given, got ${scale === undefined ? "neither" : "both"}`);
}

/** The size that a scale gives. @throws {ShapeError} unless the scale is positive. */
export function scaled(op: string, size: readonly [number, number], scale: Pair): [number, number] {
  const [rows, columns] = both(scale);
  if (!(rows > 0 && columns > 0 && Number.isFinite(rows * columns)))
    throw new ShapeError(`${op}: scale must be positive, got ${typeof scale === "number" ? scale : scale.join(", ")}`);
  return [Math.floor(size[0] * rows), Math.floor(size[1] * columns)];
}

/** Checks the rule and the sizes on both sides; the kernels' positions are whole numbers below 2^32. */
export function checkResizing(
  op: string,
  x: Shape,
  from: readonly [number, number],
  to: readonly [number, number],
  options: Sampling & { readonly scale?: Pair },
  line = describeShapes([["x", x, "NHWC"]]),
): Resizing {
  const { mode, alignCorners, antialias } = samplingOf(op, options);
  if (Math.min(...from, ...to) < 1) {
    throw new ShapeError(
      `${op}: heights and widths must be at least 1, got ${from.join(" x ")} to ${to.join(" x ")}${line}`,
    );
  }
  const factors = options.scale === undefined ? null : both(options.scale);
  const ratio = (i: 0 | 1): Ratio => {
    if (2 * from[i] * to[i] >= 2 ** 31) {
      throw new ShapeError(
        `${op}: 2 x input size x output size of an axis must be below 2^31, got ${from[i]} and ${to[i]}${line}`,
      );
    }
    // PyTorch copies an axis that keeps its size, whatever the factor.
    const kept = mode === "bilinear" && !antialias && from[i] === to[i];
    if (!factors || kept) return [from[i], to[i]];
    const [output, input] = fraction(factors[i], [2 ** 30 / (from[i] + 2), 2 ** 30 / (to[i] + 1)]);
    return [input, output];
  };
  const [[H, W], [OH, OW]] = [from, to];
  return { H, W, OH, OW, ratios: [ratio(0), ratio(1)], mode, alignCorners, antialias };
}

/** The resizing of planes of size `from` by `scale` or to `size`. @throws {ShapeError} when it is none. */
export function resizingOf(
  op: string,
  x: Shape,
  from: readonly [number, number],
  options: Sampling & { readonly scale?: Pair; readonly size?: Pair } = {},
  line?: string,
): Resizing {
  const { scale, size } = options;
  checkTarget(op, options);
  const to = scale === undefined ? pair(op, "size", size as Pair, 0) : scaled(op, from, scale);
  return checkResizing(op, x, from, to, options, line);
}
