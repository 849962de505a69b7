/** Average pooling and its gradient: a linear pair, each the gradient of the other. */
import * as kernels from "../../kernels/avg-pool2d.js";
import type { PoolGeometry } from "../../kernels/pool-window.js";
import { defineOp, type Op } from "../define-op.js";
import { type PoolOptions, poolGeometry } from "../pool-window.js";

/** Options of `avgPool2d`. */
export interface AvgPool2dOptions extends PoolOptions {
  /** Whether padding counts, as zeros. Default true; what lies beyond it, with `ceilMode`, never does. */
  readonly countIncludePad?: boolean;
}

interface GradOptions extends AvgPool2dOptions {
  readonly geometry: PoolGeometry;
}

/** Each input element gets its share of the gradients of the windows that cover it. */
const avgPool2dGrad: Op<readonly ["gradOutput"], GradOptions> = defineOp({
  name: "avgPool2dGrad",
  inputs: ["gradOutput"],
  plan: (_inputs, options: GradOptions) => {
    const { N, H, W, C } = options.geometry;
    return { shape: [N, H, W, C], options };
  },
  forward({ device, output, plan }, [gradOutput]) {
    const { geometry, countIncludePad = true } = plan.options;
    kernels.avgPool2dGrad(device, gradOutput.storage, output.storage, geometry, countIncludePad);
    return plan.options;
  },
  vjp: { gradOutput: (options, gradGrad) => avgPool2d(gradGrad, options) },
});

/**
 * The mean of each window.
 *
 * `y[n,p,q,c] = sum_{i,j} x[n, p*stride + i - padding, q*stride + j - padding, c] / count`
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param options - `kernelSize`; `stride` default `kernelSize`, `padding` 0, `ceilMode` false, `countIncludePad` true: `count` is
 *   the window's size within the padded input, else within `x`.
 * @returns NHWC `[N, OH, OW, C]`, `OH = floor((H + 2 padding - kernelSize) / stride) + 1`.
 * @throws {ShapeError} when `x` has not 4 axes, the kernel exceeds the padded input, or the padding exceeds half the kernel.
 * @see `torch.nn.functional.avg_pool2d`, channels last.
 */
export const avgPool2d: Op<readonly ["x"], AvgPool2dOptions> = defineOp({
  name: "avgPool2d",
  inputs: ["x"],
  plan([x], options: AvgPool2dOptions) {
    const geometry = poolGeometry("avgPool2d", x.shape, options);
    return { shape: [geometry.N, geometry.OH, geometry.OW, geometry.C], options: { ...options, geometry } };
  },
  forward({ device, output, plan }, [x]) {
    const { geometry, countIncludePad = true } = plan.options;
    kernels.avgPool2d(device, x.storage, output.storage, geometry, countIncludePad);
    return plan.options;
  },
  vjp: { x: (options, gradOutput) => avgPool2dGrad(gradOutput, options) },
});
