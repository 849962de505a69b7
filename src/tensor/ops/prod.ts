import { reduceRuns } from "../../kernels/reduce.js";
import { defineOp } from "../define-op.js";
import { storedAs } from "../host-values.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { cumProd } from "./cumulative.js";
import { mul } from "./elementwise.js";
import { reshape } from "./reshape.js";
import { axisRuns, countingType, type ReduceOptions, reducedShape, reduceKinds } from "./sum.js";
import { transpose } from "./transpose.js";

/** For each element the product of all others it is reduced with: those before it times those after it, so that zeros are no special case. */
function productOfOthers(x: Tensor, axes: readonly number[]): Tensor {
  const stay = x.shape.flatMap((_, i) => (axes.includes(i) ? [] : [i]));
  const order = [...stay, ...axes];
  const turned = transpose(x, { axes: order });
  const count = sizeOf(axes.map((axis) => x.shape[axis] as number));
  const rows = reshape(turned, { shape: [x.size / count, count] });
  const before = cumProd(rows, { axis: 1, exclusive: true });
  const others = mul(before, cumProd(rows, { axis: 1, exclusive: true, reverse: true }));
  return transpose(reshape(others, { shape: turned.shape }), { axes: order.map((_, i) => order.indexOf(i)) });
}

/**
 * The product over axes. `y = prod x`
 *
 * The gradient is right where elements are 0, too.
 *
 * @param x - Any shape; f32, i32, u32, or bool (whose product is 1 where all are true). Integers wrap around.
 * @param options - `axes` (default all), `keepDims` (default false).
 * @returns `x`'s shape without the axes, or with size 1 there; 1 where there are no elements. Of `x`'s element type, i32 for bool.
 * @throws {ShapeError} when an axis does not exist or is named twice.
 */
export const prod = defineOp({
  name: "prod",
  inputs: ["x"],
  dtypes: { x: "any" },
  options: reduceKinds,
  plan: ([x], options: ReduceOptions) => ({ ...reducedShape("prod", x.shape, options), dtype: countingType(x.dtype) }),
  forward({ device, output, plan: { axes, kept } }, [x]) {
    const types = { type: storedAs(x.dtype), resultType: storedAs(output.dtype) };
    if (x.size > 0) reduceRuns(device, "prod", x.storage, output.storage, axisRuns(x.shape, axes), types);
    else output.fill(1);
    return { x, axes, kept };
  },
  vjp: {
    x({ x, axes, kept }, gradOutput): Tensor {
      if (x.size === 0) return mul(x, reshape(gradOutput, { shape: kept }));
      return mul(productOfOthers(x, axes), reshape(gradOutput, { shape: kept }));
    },
  },
});
