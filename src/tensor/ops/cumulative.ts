import { type CumulativeKind, cumulative } from "../../kernels/cumulative.js";
import { checkCall, defineOp, type Op, type Plan } from "../define-op.js";
import { isFloat, storedAs } from "../host-values.js";
import { resolveAxis } from "../shape.js";
import { full, type Tensor } from "../tensor.js";
import { cast } from "./cast.js";
import { mul } from "./elementwise.js";
import { gather } from "./gather.js";
import { equal, isNaN as isNan, logicalOr, where } from "./logic.js";
import { aroundAxis, flowBack, shift } from "./recurrence.js";
import { countingType } from "./sum.js";

/** Options of `cumMax` and `cumMin`. */
export interface CumMaxOptions {
  /** The axis to run along; negative ones count from the end. */
  readonly axis: number;
  /** Run from the end. Default false. */
  readonly reverse?: boolean;
}

/** Options of `cumSum` and `cumProd`. */
export interface CumSumOptions extends CumMaxOptions {
  /** Leave out the element itself: the first value is 0 (sum) or 1 (prod). Default false. */
  readonly exclusive?: boolean;
}

/** What the gradients use. */
interface Saved {
  readonly x: Tensor;
  readonly output: Tensor;
  readonly options: Required<CumSumOptions>;
}

interface CumulativePlan extends Plan {
  readonly options: Required<CumSumOptions>;
}

/** A running op; without a gradient it is one for other ops to use. */
function define(
  name: string,
  kind: CumulativeKind,
  gradient: ((saved: Saved, gradOutput: Tensor) => Tensor) | null,
): Op<readonly ["x"], CumSumOptions> {
  return defineOp<readonly ["x"], CumSumOptions, CumulativePlan, Saved>({
    name,
    inputs: ["x"],
    dtypes: { x: "any" },
    options: { axis: "number", reverse: "boolean?", exclusive: "boolean?" },
    plan([x], { axis, reverse = false, exclusive = false }: CumSumOptions) {
      const dtype = kind === "sum" || kind === "prod" ? countingType(x.dtype) : x.dtype;
      return { shape: x.shape, dtype, options: { axis: resolveAxis(name, axis, x.rank), reverse, exclusive } };
    },
    forward({ device, output, plan: { options } }, [x]): Saved {
      const types = { type: storedAs(x.dtype), resultType: storedAs(output.dtype) };
      const size = aroundAxis(x.shape, options.axis);
      if (x.size > 0) cumulative(device, kind, x.storage, output.storage, size, { ...options, ...types });
      return { x, output, options };
    },
    vjp: gradient && { x: gradient },
  });
}

/**
 * Running sums along an axis. `y[r] = sum over q <= r of x[q]`
 *
 * @param x - Any shape with at least one axis; f32, i32, u32 or bool. Integers wrap around.
 * @param options - `axis`; `exclusive` (default false): sums of what comes before, from 0; `reverse` (default false): from the end.
 * @returns `x`'s shape; i32 for bool.
 * @throws {ShapeError} when the axis does not exist.
 */
export const cumSum = define("cumSum", "sum", ({ options }, gradOutput) =>
  cumSum(gradOutput, { ...options, reverse: !options.reverse }),
);

/** Running products along an axis; the gradient is right where elements are 0, too. See `cumSum` for the options. */
export const cumProd = define("cumProd", "prod", ({ x, options: { axis, reverse, exclusive } }, gradOutput) => {
  // y[i] for i >= r contains x[r] once: times all before r, times those from r + 1 to i, which is a recurrence from the end.
  const given = exclusive ? shift(gradOutput, axis, !reverse) : gradOutput;
  return mul(cumProd(x, { axis, reverse, exclusive: true }), flowBack(x, given, axis, reverse));
});

const running = { cumMax: define("cumMax", "max", null), cumMin: define("cumMin", "min", null) };

/** Running values with their indices: that of the element reached last is the largest so far, or from the end the least. */
function defineExtreme(name: "cumMax" | "cumMin") {
  return (x: Tensor, options: CumMaxOptions): { values: Tensor; indices: Tensor } => {
    const { axis: given, reverse = false } = checkCall<CumMaxOptions>(name, { x }, options, {
      axis: "number",
      reverse: "boolean?",
    });
    const axis = resolveAxis(name, given, x.rank);
    const indices = x.device.noGrad(() => {
      const numbers = x.dtype === "bool" ? cast(x, "i32") : x;
      const reached = equal(numbers, running[name](numbers, { axis, reverse }));
      const taken = isFloat(x.dtype) ? logicalOr(reached, isNan(numbers)) : reached;
      const size = x.shape[axis] as number;
      const counted = full(
        x.device,
        x.shape.map((_, i) => (i === axis ? size : 1)),
        1,
        { dtype: "i32" },
      );
      const none = full(x.device, [], reverse ? size - 1 : 0, { dtype: "i32" });
      const places = where(taken, cumSum(counted, { axis, exclusive: true }), none);
      return running[reverse ? "cumMin" : "cumMax"](places, { axis, reverse });
    });
    return { values: gather(x, indices, { axis }), indices };
  };
}

/**
 * Running maxima along an axis, and where each was: of equal elements the one reached last. NaN spreads to what follows.
 * The gradient goes to the element that was taken.
 *
 * @param x - Any shape with at least one axis, any element type.
 * @param options - `axis`; `reverse` (default false): from the end.
 * @returns `values` of `x`'s shape and element type, `indices` i32.
 * @throws {ShapeError} when the axis does not exist.
 * @see torch.cummax.
 */
export const cumMax = defineExtreme("cumMax");

/** Running minima along an axis, and where each was. See `cumMax`. */
export const cumMin = defineExtreme("cumMin");
