import { ShapeError } from "../../kernels/errors.js";
import { matmul as dispatch } from "../../kernels/matmul.js";
import { defineOp } from "../define-op.js";
import { describeShapes, rank2, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { matmul } from "./matmul.js";
import { reshape } from "./reshape.js";
import { sum } from "./sum.js";

/** `[N, size of the last axis]`, with all leading axes merged into N. */
const asMatrix = (x: Tensor): Tensor => {
  const last = x.shape.at(-1) ?? 1;
  return reshape(x, { shape: [sizeOf(x.shape.slice(0, -1)), last] });
};

/**
 * A dense layer. `y[..., o] = bias[o] + sum_i x[..., i] weight[i, o]`
 *
 * A weight larger than one binding of the adapter is worked on in windows, forward and backward.
 *
 * The result has the element type of `x`, f32 or f16.
 *
 * @param x - [..., IN]: any leading axes.
 * @param weight - [IN, OUT].
 * @param bias - [OUT], or `null` for none.
 * @returns [..., OUT].
 * @throws {ShapeError} when the last axis of `x` is not IN, `weight` does not have 2 axes, or `bias` is not [OUT].
 */
export const linear = defineOp({
  name: "linear",
  inputs: ["x", "weight", "bias?"],
  halves: ["x"],
  options: {},
  plan([x, weight, bias], _options: object) {
    const [inSize, outSize] = rank2("linear", "weight", weight.shape);
    const shapes = () =>
      describeShapes([
        ["x", x.shape],
        ["weight", weight.shape, "[in, out]"],
        ...(bias ? [["bias", bias.shape] as const] : []),
      ]);
    if (x.rank === 0) throw new ShapeError(`linear: x must have at least 1 axis, got 0${shapes()}`);
    const last = x.shape.at(-1);
    if (last !== inSize) {
      throw new ShapeError(
        `linear: the last axis of x must equal the rows of weight, got ${last} and ${inSize}${shapes()}`,
      );
    }
    if (bias && (bias.rank !== 1 || bias.shape[0] !== outSize)) {
      throw new ShapeError(
        `linear: bias must hold one value for each of the ${outSize} outputs, got ${bias.size}${shapes()}`,
      );
    }
    const leading = x.shape.slice(0, -1);
    return { shape: [...leading, outSize], M: sizeOf(leading), N: outSize, K: inSize };
  },
  forward({ device, output, plan }, [x, weight, bias]) {
    dispatch(device, {
      ...plan,
      a: x.storage,
      b: weight.storage,
      bias: bias?.storage ?? null,
      output: output.storage,
      transposeA: false,
      transposeB: false,
    });
    return { x, weight };
  },
  vjp: {
    x: ({ x, weight }, gradOutput): Tensor =>
      reshape(matmul(asMatrix(gradOutput), weight, { transposeB: true }), { shape: x.shape }),
    weight: ({ x }, gradOutput): Tensor => matmul(asMatrix(x), asMatrix(gradOutput), { transposeA: true }),
    bias: (_saved, gradOutput): Tensor => sum(asMatrix(gradOutput), { axes: 0 }),
  },
});
