/** Average pooling and its gradient: a linear pair, each the gradient of the other. */
import * as kernels from "../../kernels/avg-pool2d.js";
import { ShapeError } from "../../kernels/errors.js";
import type { PoolGeometry } from "../../kernels/pool-window.js";
import { defineOp, type Op } from "../define-op.js";
import type { Kinds } from "../options.js";
import { type PoolOptions, poolGeometry, poolKinds } from "../pool-window.js";
import type { Shape } from "../shape.js";

/** Options of `avgPool2d`. */
export interface AvgPool2dOptions extends PoolOptions {
  /**
   * Whether padding counts, as zeros. What lies beyond it, with `ceilMode`, never does. Default true, but false with padding
   * `"same"`, as in TensorFlow.
   */
  readonly countIncludePad?: boolean;
  /** Divides the sums instead of the number of elements: whole and not 0. Default: that number. */
  readonly divisorOverride?: number;
}

/** What they may be. */
export const avgPool2dKinds = { ...poolKinds, countIncludePad: "boolean?", divisorOverride: "number?" } as const;

/** Windows, and what their sums are divided by. */
export interface AvgWindows extends kernels.AvgDivisor {
  readonly geometry: PoolGeometry;
}

/** Each input element gets its share of the gradients of the windows that cover it. */
const avgPool2dGrad: Op<readonly ["gradOutput"], AvgWindows> = defineOp({
  name: "avgPool2dGrad",
  inputs: ["gradOutput"],
  plan: (_inputs, windows: AvgWindows) => {
    const { N, H, W, C } = windows.geometry;
    return { shape: [N, H, W, C], windows };
  },
  forward({ device, output, plan: { windows } }, [gradOutput]) {
    kernels.avgPool2dGrad(device, gradOutput.storage, output.storage, windows.geometry, windows);
    return windows;
  },
  vjp: { gradOutput: (windows, gradGrad) => averages(gradGrad, windows) },
});

/** An op that averages over the windows that `windowsOf` finds. */
export function defineAvgPool<Options extends object>(
  name: string,
  windowsOf: (x: Shape, options: Options) => AvgWindows,
  kinds?: Kinds<Options>,
): Op<readonly ["x"], Options> {
  return defineOp({
    name,
    inputs: ["x"],
    ...(kinds && { options: kinds }),
    plan([x], options: Options) {
      const windows = windowsOf(x.shape, options);
      const { N, OH, OW, C } = windows.geometry;
      return { shape: [N, OH, OW, C], windows };
    },
    forward({ device, output, plan: { windows } }, [x]) {
      kernels.avgPool2d(device, x.storage, output.storage, windows.geometry, windows);
      return windows;
    },
    vjp: { x: (windows, gradOutput) => avgPool2dGrad(gradOutput, windows) },
  });
}

const averages = defineAvgPool("avgPool2d", (_x, windows: AvgWindows) => windows);

/**
 * The mean of each window.
 *
 * `y[n,p,q,c] = sum_{i,j} x[n, p*stride + i - padding, q*stride + j - padding, c] / count`
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param options - `kernelSize`; `stride` default `kernelSize`, `padding` 0, `ceilMode` false, `countIncludePad` true: `count` is
 *   the window's size within the padded input, else within `x`; `divisorOverride`: `count` itself.
 * @returns NHWC `[N, OH, OW, C]`, `OH = floor((H + padding top and bottom - kernelSize) / stride) + 1`.
 * @throws {ShapeError} when `x` has not 4 axes, the kernel exceeds the padded input, the padding exceeds half the kernel, or the
 *   divisor is 0.
 * @see `torch.nn.functional.avg_pool2d`, channels last.
 */
export const avgPool2d: Op<readonly ["x"], AvgPool2dOptions> = defineAvgPool(
  "avgPool2d",
  (x, options) => {
    const { countIncludePad = options.padding !== "same", divisorOverride } = options;
    if (divisorOverride !== undefined && (!Number.isInteger(divisorOverride) || divisorOverride === 0))
      throw new ShapeError(`avgPool2d: divisorOverride must be a whole number other than 0, got ${divisorOverride}`);
    return { geometry: poolGeometry("avgPool2d", x, options), countIncludePad, divisor: divisorOverride ?? 0 };
  },
  avgPool2dKinds,
);
