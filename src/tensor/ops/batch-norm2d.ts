/**
 * Batch normalisation. While only values are computed its gradients are two fused passes; while the gradients are themselves
 * recorded they are composed from ops, which can be differentiated again.
 */

import * as kernels from "../../kernels/batch-norm2d.js";
import { DTypeError, ShapeError } from "../../kernels/errors.js";
import { checkInputs, defineOp, type Op } from "../define-op.js";
import { checkChoice, checkEps, readOptions } from "../options.js";
import { describeShapes, formatShape, type Shape, sameShape } from "../shape.js";
import { constant, empty, type Tensor } from "../tensor.js";
import { add, mul, reciprocal, sqrt, square, sub } from "./elementwise.js";
import { broadcastTo, mean as meanOver, sum } from "./sum.js";

/** Options of `batchNorm2d` that normalises with the statistics of the batch. */
export interface BatchNorm2dTrainOptions {
  readonly mode: "train";
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Running statistics `[C]`, updated in place; leave both out to use the batch's statistics and record nothing. */
  readonly runningMean?: Tensor | undefined;
  readonly runningVar?: Tensor | undefined;
  /** `new = (1 - momentum) * old + momentum * batch`. Default 0.1. */
  readonly momentum?: number;
  /** The running variance takes the unbiased one, `M / (M - 1)` times the one that normalises. Default true. */
  readonly unbiased?: boolean;
}

/** Options of `batchNorm2d` that normalises with given statistics. */
export interface BatchNorm2dEvalOptions {
  readonly mode: "eval";
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
}

/** Options of `batchNorm2d`. */
export type BatchNorm2dOptions = BatchNorm2dTrainOptions | BatchNorm2dEvalOptions;

type Channelwise = readonly (readonly [name: string, tensor: Tensor])[];

/** Rows and channels of `x`, once every tensor of the channels is known to have one element for each. */
function checkChannels(x: Shape, tensors: Channelwise): kernels.Rows {
  if (x.length < 2) {
    throw new ShapeError(
      `batchNorm2d: x must have at least 2 axes, channels last, got ${x.length}${describeShapes([["x", x]])}`,
    );
  }
  const C = x.at(-1) as number;
  for (const [name, { shape }] of tensors) {
    if (sameShape(shape, [C])) continue;
    const rows = [["x", x, x.length === 4 ? "NHWC" : ""] as const, [name, shape] as const];
    throw new ShapeError(
      `batchNorm2d: ${name} must have one element for each channel, [${C}], got ${formatShape(shape)}${describeShapes(rows)}`,
    );
  }
  return { M: x.slice(0, -1).reduce((a, b) => a * b, 1), C };
}

/** The running statistics of a training call, or `null`; they are no inputs of the op, so what `defineOp` checks is checked here. */
function checkRunning(x: Tensor, M: number, options: BatchNorm2dTrainOptions): kernels.RunningStatistics | null {
  const { runningMean, runningVar, momentum = 0.1, unbiased = true } = options;
  if (!runningMean && !runningVar) return null;
  if (!runningMean || !runningVar)
    throw new ShapeError("batchNorm2d: runningMean and runningVar must be given together, got only one");
  const named = [["runningMean", runningMean] as const, ["runningVar", runningVar] as const];
  checkChannels(x.shape, named);
  for (const [name, { dtype, device }] of named) {
    if (dtype !== "f32") throw new DTypeError(`batchNorm2d: ${name} must be f32, got ${dtype}`);
    if (device !== x.device) throw new ShapeError(`batchNorm2d: ${name} lives on another device than x`);
  }
  const correction = unbiased ? M / Math.max(M - 1, 1) : 1;
  return { mean: runningMean.storage, var: runningVar.storage, momentum, correction };
}

/** What the gradients need: the inputs and the statistics, and the sums they share once one of them has been asked for. */
interface Saved extends kernels.Rows {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly shared: { gradOutput?: Tensor; version?: number; sums?: Partial<Sums> };
}

/** The gradients of bias and weight, which that of `x` needs too: sums over rows of `gradOutput` and of `gradOutput * xhat`. */
interface Sums {
  readonly bias: Tensor;
  readonly weight: Tensor;
}

function gradSums(gradOutput: Tensor, x: Tensor, mean: Tensor, rstd: Tensor, { M, C }: kernels.Rows): Sums {
  const [bias, weight] = ["bias", "weight"].map((name) => empty(x.device, [C], "f32", `batchNorm2d/grad-${name}`));
  const sums = { bias, weight } as Sums;
  const results = { bias: sums.bias.storage, weight: sums.weight.storage };
  const buffers = { grad_output: gradOutput.storage, x: x.storage, mean: mean.storage, rstd: rstd.storage };
  if (M > 0) kernels.batchNorm2dGradSums(x.device, buffers, results, { M, C });
  else for (const sum of [bias, weight]) sum?.fill(0);
  return sums;
}

/** The gradient with respect to `x` where the statistics depend on it. */
const gradInput: Op<readonly ["gradOutput", "x", "weight", "mean", "rstd", "gradBias", "gradWeight"], kernels.Rows> =
  defineOp({
    name: "batchNorm2dGradInput",
    inputs: ["gradOutput", "x", "weight", "mean", "rstd", "gradBias", "gradWeight"],
    plan: ([, x], rows: kernels.Rows) => ({ shape: x.shape, rows }),
    forward({ device, output, plan }, [gradOutput, x, weight, mean, rstd, gradBias, gradWeight]) {
      const buffers = {
        grad_output: gradOutput.storage,
        x: x.storage,
        weight: weight.storage,
        mean: mean.storage,
        rstd: rstd.storage,
        grad_bias: gradBias.storage,
        grad_weight: gradWeight.storage,
        grad_input: output.storage,
      };
      kernels.batchNorm2dGradInput(device, buffers, plan.rows);
    },
    vjp: null,
  });

/** The sums, computed once for the gradients of x, weight and bias at the same `gradOutput`, as far as `needed`. */
function sharedSums(
  { x, shared, M, C }: Saved,
  gradOutput: Tensor,
  [mean, rstd]: readonly [Tensor, Tensor],
  needed: readonly (keyof Sums)[],
): Sums {
  const { version } = gradOutput.storage;
  const known = shared.gradOutput === gradOutput && shared.version === version ? shared.sums : undefined;
  if (known && needed.every((name) => known[name]?.disposed === false)) return known as Sums;
  const sums = gradSums(gradOutput, x, mean, rstd, { M, C });
  Object.assign(shared, { gradOutput, version, sums: { ...sums } });
  return sums;
}

/** One of the sums, which is the caller's from then on: another call for it computes it again. */
function takeSum(saved: Saved, gradOutput: Tensor, statistics: readonly [Tensor, Tensor], name: keyof Sums): Tensor {
  const taken = sharedSums(saved, gradOutput, statistics, [name])[name];
  delete saved.shared.sums?.[name];
  return taken;
}

const rowAxes = (x: Tensor) => ({ axes: x.shape.slice(0, -1).map((_, axis) => axis) });

const rstdOf = (variance: Tensor, eps: number) => reciprocal(sqrt(add(variance, constant(variance.device, eps))));

/** The normalised input and rstd as ops on `x`, for gradients that are differentiated again. */
function composedByBatch(x: Tensor, eps: number): { xhat: Tensor; rstd: Tensor } {
  const centred = sub(x, meanOver(x, rowAxes(x)));
  const rstd = rstdOf(meanOver(square(centred), rowAxes(x)), eps);
  return { xhat: mul(centred, rstd), rstd };
}

/** Normalises with the statistics of the batch. */
const byBatch = defineOp({
  name: "batchNorm2d",
  inputs: ["x", "weight", "bias"],
  halves: ["x"],
  plan([x, weight, bias], options: BatchNorm2dTrainOptions) {
    const rows = checkChannels(x.shape, [
      ["weight", weight],
      ["bias", bias],
    ]);
    if (rows.M === 1) {
      throw new ShapeError(
        `batchNorm2d: training needs more than one value a channel, got 1; give a larger batch, or use mode "eval"${describeShapes([["x", x.shape]])}`,
      );
    }
    return { shape: x.shape, rows, eps: options.eps ?? 1e-5, running: checkRunning(x, rows.M, options) };
  },
  forward({ device, output, plan }, [x, weight, bias]) {
    const { rows, eps, running } = plan;
    const mean = empty(device, [rows.C], "f32", "batchNorm2d/mean");
    const rstd = empty(device, [rows.C], "f32", "batchNorm2d/rstd");
    if (output.size > 0) {
      kernels.batchNorm2dStatistics(device, x.storage, rows, eps, { mean: mean.storage, rstd: rstd.storage }, running);
      const buffers = {
        x: x.storage,
        weight: weight.storage,
        bias: bias.storage,
        mean: mean.storage,
        spread: rstd.storage,
        output: output.storage,
      };
      kernels.batchNorm2dApply(device, buffers, rows, null);
      for (const storage of running ? [running.mean, running.var] : []) storage.version++;
    }
    if (!(device.recording && [x, weight, bias].some((input) => input.requiresGrad)))
      for (const unused of [mean, rstd]) unused.dispose();
    return { x, weight, mean, rstd, eps, shared: {}, ...rows };
  },
  vjp: {
    x(saved, gradOutput): Tensor {
      const { x, weight, mean, rstd, eps, M, C } = saved;
      if (!x.device.recording) {
        const sums = sharedSums(saved, gradOutput, [mean, rstd], ["bias", "weight"]);
        return gradInput(gradOutput, x, weight, mean, rstd, sums.bias, sums.weight, { M, C });
      }
      const composed = composedByBatch(x, eps);
      const alongXhat = meanOver(mul(gradOutput, composed.xhat), rowAxes(x));
      const common = add(meanOver(gradOutput, rowAxes(x)), mul(composed.xhat, alongXhat));
      return mul(mul(weight, composed.rstd), sub(gradOutput, common));
    },
    weight(saved, gradOutput): Tensor {
      const { x, mean, rstd, eps } = saved;
      if (!x.device.recording) return takeSum(saved, gradOutput, [mean, rstd], "weight");
      return sum(mul(gradOutput, composedByBatch(x, eps).xhat), rowAxes(x));
    },
    bias(saved, gradOutput): Tensor {
      const { x, mean, rstd } = saved;
      if (!x.device.recording) return takeSum(saved, gradOutput, [mean, rstd], "bias");
      return sum(gradOutput, rowAxes(x));
    },
  },
});

/** Normalises with given statistics. */
const byRunning = defineOp({
  name: "batchNorm2d",
  inputs: ["x", "weight", "bias", "runningMean", "runningVar"],
  halves: ["x"],
  plan([x, weight, bias, runningMean, runningVar], { eps = 1e-5 }: { eps?: number }) {
    const rows = checkChannels(x.shape, [
      ["weight", weight],
      ["bias", bias],
      ["runningMean", runningMean],
      ["runningVar", runningVar],
    ]);
    return { shape: x.shape, rows, eps };
  },
  forward({ device, output, plan }, [x, weight, bias, runningMean, runningVar]) {
    const buffers = {
      x: x.storage,
      weight: weight.storage,
      bias: bias.storage,
      mean: runningMean.storage,
      spread: runningVar.storage,
      output: output.storage,
    };
    kernels.batchNorm2dApply(device, buffers, plan.rows, plan.eps);
    return { x, weight, runningMean, runningVar, eps: plan.eps, shared: {}, ...plan.rows };
  },
  vjp: {
    x: ({ weight, runningVar, eps }, gradOutput): Tensor => mul(gradOutput, mul(weight, rstdOf(runningVar, eps))),
    weight(saved, gradOutput): Tensor {
      const { x, runningMean, runningVar, eps } = saved;
      const rstd = rstdOf(runningVar, eps);
      if (!x.device.recording) return takeSum(saved, gradOutput, [runningMean, rstd], "weight");
      return sum(mul(gradOutput, mul(sub(x, runningMean), rstd)), rowAxes(x));
    },
    bias(saved, gradOutput): Tensor {
      const { x, runningMean, runningVar, eps } = saved;
      if (x.device.recording) return sum(gradOutput, rowAxes(x));
      return takeSum(saved, gradOutput, [runningMean, rstdOf(runningVar, eps)], "bias");
    },
    runningMean: null,
    runningVar: null,
  },
});

/**
 * Batch normalisation, for every channel over all images and pixels.
 *
 * `y = (x - mean) * rstd * weight + bias`, `rstd = 1 / sqrt(var + eps)`.
 *
 * In mode `"train"`, `mean` and `var` are the batch's, `var` dividing by the number of values `M`; `runningMean` and `runningVar`,
 * when given, are updated in place on the GPU: `new = (1 - momentum) * old + momentum * batch`, `var` there times `M / (M - 1)`
 * unless `unbiased` is false. In mode `"eval"` they are the statistics, and gradients stop at them.
 *
 * @param x - Channels last: NHWC `[N, H, W, C]`, `[N, L, C]`, `[N, C]`.
 * @param weight - `[C]`, or `null` for 1.
 * @param bias - `[C]`, or `null` for 0.
 * @param options - `mode`; `eps` default 1e-5; for training `momentum` default 0.1, `unbiased` default true.
 * @returns The shape of `x`.
 * @throws {ShapeError} when `x` has fewer than 2 axes, a tensor of the channels is not `[C]`, only one running statistic is
 *   given, or there is but one value a channel in training.
 * @see Ioffe & Szegedy 2015, arXiv:1502.03167. Same numbers, `momentum` and defaults as `torch.nn.functional.batch_norm`.
 */
export function batchNorm2d(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  options: BatchNorm2dOptions,
): Tensor {
  checkInputs("batchNorm2d", ["x", "weight?", "bias?"], [x, weight, bias]);
  const kinds = { mode: "any?", eps: "number?", momentum: "number?", unbiased: "boolean?" } as const;
  readOptions<object>("batchNorm2d", options, { ...kinds, runningMean: "any?", runningVar: "any?" } as object);
  checkChoice("batchNorm2d", "mode", options?.mode, ["train", "eval"]);
  checkEps("batchNorm2d", options.eps ?? 1e-5);
  const filled = (value: number) => broadcastTo(constant(x.device, value), { shape: x.shape.slice(-1) });
  const [scale, shift] = [weight ?? filled(1), bias ?? filled(0)];
  if (options.mode === "train") return byBatch(x, scale, shift, options);
  const { runningMean, runningVar, eps = 1e-5 } = options;
  return byRunning(x, scale, shift, runningMean, runningVar, { eps });
}
