/** Max pooling, its gradient and the gradient's transpose: a gather. The two last are each other's gradient. */
import * as kernels from "../../kernels/max-pool2d.js";
import type { PoolGeometry } from "../../kernels/pool-window.js";
import { checkCall, defineOp, type Op } from "../define-op.js";
import type { Kinds } from "../options.js";
import type { Pair } from "../pair.js";
import { type PoolOptions, poolGeometry, poolKinds } from "../pool-window.js";
import type { Shape } from "../shape.js";
import { empty, type Tensor } from "../tensor.js";

/** Options of `maxPool2d`. */
export interface MaxPool2dOptions extends PoolOptions {
  /** Distance between the elements of a window. Default 1. */
  readonly dilation?: Pair;
}

/** What they may be. */
export const maxPool2dKinds = { ...poolKinds, dilation: "any?" } as const;

/** Each input element gets the gradients of the windows whose index names it. */
const scatter: Op<readonly ["gradOutput", "indices"], PoolGeometry> = defineOp({
  name: "maxPool2dGrad",
  inputs: ["gradOutput", "indices"],
  dtypes: { indices: "any" },
  plan: (_inputs, geometry: PoolGeometry) => ({
    shape: [geometry.N, geometry.H, geometry.W, geometry.C],
    geometry,
  }),
  forward({ device, output, plan }, [gradOutput, indices]) {
    kernels.maxPool2dGrad(device, gradOutput.storage, indices.storage, output.storage, plan.geometry);
    return { indices, geometry: plan.geometry };
  },
  vjp: { gradOutput: ({ indices, geometry }, gradGrad) => gather(gradGrad, indices, geometry), indices: null },
});

/** The elements that the indices name. */
const gather: Op<readonly ["x", "indices"], PoolGeometry> = defineOp({
  name: "maxPool2dGather",
  inputs: ["x", "indices"],
  dtypes: { indices: "any" },
  plan: (_inputs, geometry: PoolGeometry) => ({
    shape: [geometry.N, geometry.OH, geometry.OW, geometry.C],
    geometry,
  }),
  forward({ device, output, plan }, [x, indices]) {
    kernels.maxPool2dGather(device, x.storage, indices.storage, output.storage, plan.geometry);
    return { indices, geometry: plan.geometry };
  },
  vjp: { x: ({ indices, geometry }, gradOutput) => scatter(gradOutput, indices, geometry), indices: null },
});

/** An op that takes the maxima of the windows that `geometryOf` finds. */
export function defineMaxPool<Options extends object>(
  name: string,
  geometryOf: (x: Shape, options: Options) => PoolGeometry,
  kinds: Kinds<Options>,
): Op<readonly ["x"], Options> {
  return defineOp({
    name,
    inputs: ["x"],
    options: kinds,
    plan([x], options: Options) {
      const geometry = geometryOf(x.shape, options);
      return { shape: [geometry.N, geometry.OH, geometry.OW, geometry.C], geometry };
    },
    forward({ device, output, plan }, [x]) {
      const { geometry } = plan;
      const wanted = device.recording && x.requiresGrad;
      const indices = wanted ? empty(device, output.shape, "u32", "maxPool2d/indices") : null;
      kernels.maxPool2d(device, x.storage, output.storage, indices?.storage ?? null, geometry);
      return { indices, geometry };
    },
    vjp: { x: ({ indices, geometry }, gradOutput) => scatter(gradOutput, indices as Tensor, geometry) },
  });
}

const withIndices: Op<readonly ["x"], { geometry: PoolGeometry; indices: Tensor }> = defineOp({
  name: "maxPool2dWithIndices",
  inputs: ["x"],
  plan(_inputs, options: { geometry: PoolGeometry; indices: Tensor }) {
    const { N, OH, OW, C } = options.geometry;
    return { shape: [N, OH, OW, C], ...options };
  },
  forward({ device, output, plan: { geometry, indices } }, [x]) {
    kernels.maxPool2d(device, x.storage, output.storage, indices.storage, geometry);
    return { indices, geometry };
  },
  vjp: { x: ({ indices, geometry }, gradOutput) => scatter(gradOutput, indices, geometry) },
});

/**
 * The largest element of each window, and where it was: `maxPool2d` for `maxUnpool2d`.
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param options - As `maxPool2d`.
 * @returns `values`, NHWC `[N, OH, OW, C]`, and `indices` of the same shape, i32: `h W + w` of the first maximum in row-major order.
 * @throws {ShapeError} as `maxPool2d`.
 * @see `torch.nn.functional.max_pool2d` with `return_indices=True`.
 */
export function maxPool2dWithIndices(x: Tensor, options: MaxPool2dOptions): { values: Tensor; indices: Tensor } {
  const given = checkCall<MaxPool2dOptions>("maxPool2dWithIndices", { x }, options, maxPool2dKinds);
  const geometry = poolGeometry("maxPool2dWithIndices", x.shape, given);
  const { N, OH, OW, C } = geometry;
  const indices = empty(x.device, [N, OH, OW, C], "i32", "maxPool2dWithIndices");
  return { values: withIndices(x, { geometry, indices }), indices };
}

/**
 * The largest element of each window.
 *
 * `y[n,p,q,c] = max_{i,j} x[n, p*stride + i*dilation - padding, q*stride + j*dilation - padding, c]`
 *
 * Padding never wins; NaN does. The gradient goes to the first maximum in row-major order.
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param options - `kernelSize`; `stride` default `kernelSize`, `padding` 0, `dilation` 1, `ceilMode` false.
 * @returns NHWC `[N, OH, OW, C]`, `OH = floor((H + padding top and bottom - dilation (kernelSize - 1) - 1) / stride) + 1`.
 * @throws {ShapeError} when `x` has not 4 axes, the kernel exceeds the padded input, the padding exceeds half the kernel, or a
 *   dilated window holds no element of `x`.
 * @see `torch.nn.functional.max_pool2d`, channels last.
 */
export const maxPool2d: Op<readonly ["x"], MaxPool2dOptions> = defineMaxPool(
  "maxPool2d",
  (x, options) => poolGeometry("maxPool2d", x, options),
  maxPool2dKinds,
);
