import { ShapeError } from "../../kernels/errors.js";
import { imageShiftGradInput as gradKernel, imageShift as shiftKernel } from "../../kernels/image-shift.js";
import { checkCall, defineOp } from "../define-op.js";
import { isList, show } from "../options.js";
import { describeShapes, rank4 } from "../shape.js";
import { Tensor, tensor } from "../tensor.js";

/** Options of `imageShift`. */
export interface ImageShiftOptions {
  /** Rows each image moves down: i32 `[N]`, or as many whole numbers. */
  readonly dy: Tensor | ArrayLike<number>;
  /** Columns each image moves to the right: i32 `[N]`, or as many whole numbers. */
  readonly dx: Tensor | ArrayLike<number>;
}

function planShift(op: string, name: string, x: Tensor, dy: Tensor, dx: Tensor) {
  const images = rank4(op, name, x.shape);
  if (dy.rank !== 1 || dx.rank !== 1 || dy.size !== images[0] || dx.size !== images[0]) {
    throw new ShapeError(
      `${op}: dy and dx must hold one shift for each of the ${images[0]} images, got ${dy.size} and ${dx.size}${describeShapes(
        [
          [name, x.shape, "NHWC"],
          ["dy", dy.shape],
          ["dx", dx.shape],
        ],
      )}`,
    );
  }
  return { shape: x.shape, images };
}

const shift = defineOp({
  name: "imageShift",
  inputs: ["x", "dy", "dx"],
  dtypes: { dy: "i32", dx: "i32" },
  plan: ([x, dy, dx]) => planShift("imageShift", "x", x, dy, dx),
  forward({ device, output, plan }, [x, dy, dx]) {
    shiftKernel(device, x.storage, output.storage, { shape: plan.images, dy: dy.storage, dx: dx.storage });
    return { dy, dx };
  },
  vjp: { x: ({ dy, dx }, gradOutput): Tensor => imageShiftGradInput(gradOutput, dy, dx), dy: null, dx: null },
});

/** The gradient of `imageShift` with respect to the images: each pixel sums the gradient of its copies. */
export const imageShiftGradInput = defineOp({
  name: "imageShiftGradInput",
  inputs: ["gradOutput", "dy", "dx"],
  dtypes: { dy: "i32", dx: "i32" },
  plan: ([gradOutput, dy, dx]) => planShift("imageShiftGradInput", "gradOutput", gradOutput, dy, dx),
  forward({ device, output, plan }, [gradOutput, dy, dx]) {
    gradKernel(device, gradOutput.storage, output.storage, { shape: plan.images, dy: dy.storage, dx: dx.storage });
    return { dy, dx };
  },
  vjp: { gradOutput: ({ dy, dx }, gradient): Tensor => shift(gradient, dy, dx), dy: null, dx: null },
});

function shiftTensor(x: Tensor, name: string, values: Tensor | ArrayLike<number>): Tensor {
  if (values instanceof Tensor) return values;
  if (!isList(values)) throw new ShapeError(`imageShift: ${name} must be a list or a tensor, got ${show(values)}`);
  const odd = Array.from(values).find((value) => !Number.isInteger(value));
  if (odd !== undefined || Array.from(values).includes(undefined as never))
    throw new ShapeError(`imageShift: ${name} must hold whole numbers, got ${show(odd)}`);
  return tensor(x.device, values, [values.length], { dtype: "i32" });
}

/**
 * Moves every image of a batch by its own whole number of pixels; the edge pixels fill what is uncovered.
 *
 * `y[n, i, j, c] = x[n, clamp(i - dy[n], 0, H - 1), clamp(j - dx[n], 0, W - 1), c]`
 *
 * @param x - Images, NHWC `[N, H, W, C]`.
 * @param options - `dy` (down) and `dx` (to the right), N each: i32 tensors, or whole numbers from the host.
 * @returns NHWC `[N, H, W, C]`.
 * @throws {ShapeError} when `x` has not 4 axes, or there is not one whole shift an image.
 * @see Beliy et al. 2019: training images are shifted by up to 5 pixels.
 */
export function imageShift(x: Tensor, options: ImageShiftOptions): Tensor {
  const { dy, dx } = checkCall("imageShift", { x }, options, { dy: "any", dx: "any" });
  return shift(x, shiftTensor(x, "dy", dy), shiftTensor(x, "dx", dx));
}
