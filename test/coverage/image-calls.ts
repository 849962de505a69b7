/** Convolution, pooling, resizing, normalisation. */
import * as vp from "../../src/index.js";
import { custom, type Entry, each, entry, input, plain, whole32 } from "./call.js";

const image = [input([1, 4, 5, 2])];
const line = [input([2, 6, 2])];

/** By op. */
export const convolutions: Readonly<Record<string, Entry>> = {
  conv2d: entry(
    "conv2d",
    plain("conv2d", [input([1, 4, 5, 2]), input([3, 2, 2, 3]), input([3])]),
    plain("conv2d", [input([1, 5, 6, 4]), input([3, 2, 2, 2]), input([2])], {
      stride: [2, 1],
      padding: [
        [1, 0],
        [2, 1],
      ],
      dilation: [1, 2],
      groups: 2,
    }),
    custom("no bias, padding same", [input([1, 4, 5, 2]), input([3, 3, 2, 2])], (x, w) =>
      vp.conv2d(x, w, null, { padding: "same" }),
    ),
  ),
  convTranspose2d: entry(
    "conv_transpose2d",
    plain("convTranspose2d", [input([1, 3, 2, 2]), input([3, 2, 3, 2]), input([3])]),
    plain("convTranspose2d", [input([1, 3, 2, 4]), input([3, 2, 1, 4]), input([2])], {
      stride: 2,
      padding: 1,
      outputPadding: 1,
      dilation: [1, 2],
      groups: 2,
    }),
  ),
  conv1d: entry(
    "conv1d",
    plain("conv1d", [input([2, 6, 2]), input([3, 2, 3]), input([3])]),
    plain("conv1d", [input([1, 7, 4]), input([3, 2, 2]), input([2])], {
      stride: 2,
      padding: 2,
      dilation: 2,
      groups: 2,
    }),
  ),
  convTranspose1d: entry(
    "conv_transpose1d",
    plain("convTranspose1d", [input([1, 3, 2]), input([3, 3, 2]), input([3])]),
    plain("convTranspose1d", [input([1, 3, 4]), input([3, 1, 4]), input([2])], {
      stride: 2,
      padding: 1,
      outputPadding: 1,
      dilation: 2,
      groups: 2,
    }),
  ),
};

const patches = { kernelSize: [2, 3], stride: [2, 1], padding: 1, dilation: [1, 2] };
const windows = [{ kernelSize: 2 }, { kernelSize: [3, 2], stride: [2, 1], padding: 1, ceilMode: true }];

/** By op. */
export const pooling: Readonly<Record<string, Entry>> = {
  unfold: each("unfold", "unfold", image, { kernelSize: 2 }, patches),
  fold: entry(
    "fold",
    plain("fold", [input([1, 12, 8])], { kernelSize: 2, size: [4, 5] }),
    plain("fold", [input([1, 9, 12])], { ...patches, size: [4, 5] }),
  ),
  avgPool2d: each(
    "avgPool2d",
    "avg_pool2d",
    image,
    ...windows,
    { kernelSize: 3, padding: "same", stride: 1, countIncludePad: false },
    { kernelSize: 2, divisorOverride: 3 },
  ),
  maxPool2d: each("maxPool2d", "max_pool2d", image, ...windows, { kernelSize: 2, stride: 1, dilation: [2, 3] }),
  avgPool1d: each(
    "avgPool1d",
    "avg_pool1d",
    line,
    { kernelSize: 3 },
    { kernelSize: 3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false },
  ),
  maxPool1d: each(
    "maxPool1d",
    "max_pool1d",
    line,
    { kernelSize: 3 },
    { kernelSize: 2, stride: 2, padding: 1, dilation: 2, ceilMode: true },
  ),
  lpPool2d: each(
    "lpPool2d",
    "lp_pool2d",
    image,
    ...windows,
    { kernelSize: 2, p: 3 },
    { kernelSize: 3, stride: 1, padding: "same", p: 1 },
  ),
  lpPool1d: each("lpPool1d", "lp_pool1d", line, { kernelSize: 3, stride: 1 }, { kernelSize: 2, padding: 1, p: 1.5 }),
  maxPool2dWithIndices: each("maxPool2dWithIndices", "max_pool2d", image, ...windows, { kernelSize: 2, dilation: 2 }),
  maxUnpool2d: entry(
    "max_unpool2d",
    custom("size", [input([1, 1, 2, 2])], (x) =>
      vp.maxUnpool2d(x, whole32(x, [6, 0, 3, 9], [1, 1, 2, 2]), { kernelSize: 2, size: [2, 5] }),
    ),
  ),
  adaptiveAvgPool2d: each("adaptiveAvgPool2d", "adaptive_avg_pool2d", image, { size: [3, 2] }, { size: 1 }),
  adaptiveMaxPool2d: each("adaptiveMaxPool2d", "adaptive_max_pool2d", image, { size: [3, 2] }, { size: 1 }),
  adaptiveAvgPool1d: each("adaptiveAvgPool1d", "adaptive_avg_pool1d", line, { size: 4 }),
  adaptiveMaxPool1d: each("adaptiveMaxPool1d", "adaptive_max_pool1d", line, { size: 4 }),
  globalAvgPool2d: each("globalAvgPool2d", "", image, undefined, { keepDims: true }),
  globalMaxPool2d: each("globalMaxPool2d", "", image, undefined, { keepDims: true }),
};

const smooth = ["bilinear", "bicubic"].flatMap((mode) => [
  { mode, size: [7, 3] },
  { mode, size: [7, 3], alignCorners: true },
  { mode, size: [2, 3], antialias: true },
  { mode, scale: 1.7 },
]);

/** By op. */
export const resizing: Readonly<Record<string, Entry>> = {
  upsample2d: each(
    "upsample2d",
    "interpolate",
    image,
    { scale: 2 },
    { size: [3, 7], mode: "nearest-exact" },
    ...smooth,
  ),
  upsample1d: each(
    "upsample1d",
    "interpolate",
    line,
    { scale: 2 },
    { size: 9, mode: "linear", alignCorners: true },
    { size: 4, mode: "nearest-exact" },
  ),
  pixelShuffle: each("pixelShuffle", "pixel_shuffle", [input([1, 2, 3, 4])], { factor: 2 }),
  pixelUnshuffle: each("pixelUnshuffle", "pixel_unshuffle", [input([1, 4, 2, 3])], { factor: 2 }),
  gridSample: entry(
    "grid_sample",
    plain("gridSample", [input([1, 3, 4, 2]), input([1, 2, 2, 2], -0.9, 0.8)]),
    plain("gridSample", [input([1, 3, 4, 2]), input([1, 2, 2, 2], -1.9, 1.8)], { paddingMode: "reflection" }),
    plain("gridSample", [input([1, 3, 4, 2]), input([1, 2, 2, 2], -0.9, 0.8)], {
      paddingMode: "border",
      alignCorners: true,
    }),
    custom("nearest", [input([1, 3, 4, 2])], (x) =>
      vp.gridSample(x, vp.tensor(x.device, [-0.3, 0.8, 0.6, -0.7], [1, 1, 2, 2]), { mode: "nearest" }),
    ),
  ),
  affineGrid: each("affineGrid", "affine_grid", [input([1, 2, 3])], { size: [2, 3] }, { size: 3, alignCorners: true }),
  imageShift: each("imageShift", "", image, { dy: [2], dx: [-1] }),
};

const affine = (shape: number[], length: number) => [input(shape), input([length], 0.5, 1.5), input([length])];
const running = (x: vp.Tensor, C: number) => ({
  runningMean: vp.full(x.device, [C], 0.3),
  runningVar: vp.full(x.device, [C], 1.7),
});

/** By op. */
export const normalisation: Readonly<Record<string, Entry>> = {
  batchNorm2d: entry(
    "batch_norm",
    custom("train", affine([2, 2, 3, 2], 2), (x, w, b) => vp.batchNorm2d(x, w, b, { mode: "train" })),
    custom("train, no weight and bias", [input([2, 2, 3, 2])], (x) =>
      vp.batchNorm2d(x, null, null, { mode: "train", eps: 0.01 }),
    ),
    custom("eval", affine([2, 2, 3, 2], 2), (x, w, b) => vp.batchNorm2d(x, w, b, { mode: "eval", ...running(x, 2) })),
  ),
  groupNorm: entry(
    "group_norm",
    plain("groupNorm", affine([2, 2, 3, 4], 4), { groups: 2 }),
    custom("no weight and bias", [input([2, 3, 4])], (x) => vp.groupNorm(x, null, null, { groups: 1, eps: 0.01 })),
  ),
  layerNorm: entry(
    "layer_norm",
    plain("layerNorm", affine([3, 5], 5)),
    plain("layerNorm", [input([3, 2, 3]), input([2, 3], 0.5, 1.5), input([2, 3])], { shape: [2, 3], eps: 0.01 }),
    custom("no weight and bias", [input([3, 5])], (x) => vp.layerNorm(x, null, null)),
  ),
  instanceNorm: entry(
    "instance_norm",
    plain("instanceNorm", affine([2, 3, 3, 2], 2)),
    custom("eval", affine([2, 3, 3, 2], 2), (x, w, b) => vp.instanceNorm(x, w, b, { mode: "eval", ...running(x, 2) })),
    custom("no weight and bias", [input([2, 5, 2])], (x) => vp.instanceNorm(x, null, null, { eps: 0.01 })),
  ),
  rmsNorm: entry(
    "",
    custom("weight", [input([3, 5]), input([5], 0.5, 1.5)], (x, w) => vp.rmsNorm(x, w)),
    custom("no weight", [input([3, 2, 3])], (x) => vp.rmsNorm(x, null, { shape: [2, 3], eps: 0.01 })),
  ),
  localResponseNorm: each(
    "localResponseNorm",
    "local_response_norm",
    [input([1, 2, 3, 5])],
    { size: 3 },
    { size: 4, alpha: 0.5, beta: 1.25, k: 2 },
  ),
};
