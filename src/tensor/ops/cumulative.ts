import { type CumulativeKind, cumulative } from "../../kernels/cumulative.js";
import { defineOp, type Op, type Plan } from "../define-op.js";
import { resolveAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { mul } from "./elementwise.js";
import { aroundAxis, flowBack, shift } from "./recurrence.js";
import { countingType, storedAs } from "./sum.js";

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

function define(
  name: string,
  kind: CumulativeKind,
  gradient: (saved: Saved, gradOutput: Tensor) => Tensor,
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
    vjp: { x: gradient },
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
