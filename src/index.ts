/** Entry point `voxpix`: the engine. Explicit names only. */
import "./tensor/methods.js";

export type { AdapterDescription, Device, OpenDeviceOptions } from "./kernels/device.js";
export {
  CaptureError,
  DeviceError,
  DisposedError,
  DTypeError,
  FormatError,
  GradError,
  IndexError,
  ShapeError,
} from "./kernels/errors.js";
export { openDevice } from "./kernels/open-device.js";
export type { Scope } from "./kernels/scope.js";
export type { MemoryReport } from "./kernels/storage.js";
export { type TuningResult, tune } from "./kernels/tuner.js";
export { type Tuning, useTuning } from "./kernels/tuning.js";
export { Adadelta, type AdadeltaOptions } from "./nn/adadelta.js";
export { Adagrad, type AdagradOptions } from "./nn/adagrad.js";
export { Adam, type AdamOptions, AdamW } from "./nn/adam.js";
export { Adamax, type AdamaxOptions } from "./nn/adamax.js";
export { BatchNorm1d, BatchNorm2d, type BatchNorm2dLayerOptions } from "./nn/batch-norm2d.js";
export {
  type BinaryCrossEntropyOptions,
  type BinaryCrossEntropyWithLogitsOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
} from "./nn/binary-cross-entropy.js";
export {
  type ClipByGlobalNormOptions,
  type ClippedGradients,
  clipByGlobalNorm,
  clipByValue,
  globalNorm,
} from "./nn/clip.js";
export type { PaddingMode } from "./nn/conv-padding.js";
export { ConvTranspose2d, type ConvTranspose2dLayerOptions } from "./nn/conv-transpose2d.js";
export { Conv1d, type Conv1dLayerOptions, ConvTranspose1d, type ConvTranspose1dLayerOptions } from "./nn/conv1d.js";
export { Conv2d, type Conv2dLayerOptions } from "./nn/conv2d.js";
export { type CrossEntropyOptions, crossEntropy, type NllOptions, nll } from "./nn/cross-entropy.js";
export { Dropout } from "./nn/dropout.js";
export { Ema, type EmaOptions } from "./nn/ema.js";
export { Embedding, type EmbeddingLayerOptions } from "./nn/embedding.js";
export { GradScaler, type GradScalerOptions, type GradScalerState } from "./nn/grad-scaler.js";
export { GradientAccumulator } from "./nn/gradient-accumulator.js";
export {
  GroupNorm,
  type GroupNormLayerOptions,
  InstanceNorm1d,
  InstanceNorm2d,
  type InstanceNormLayerOptions,
  LayerNorm,
  type LayerNormLayerOptions,
  RmsNorm,
} from "./nn/group-norm.js";
export {
  constantInit,
  type Fans,
  fansOf,
  glorotNormal,
  glorotUniform,
  heNormal,
  type Initialiser,
  zerosInit,
} from "./nn/initialisers.js";
export { Linear, type LinearOptions } from "./nn/linear.js";
export type { LossOptions, Reduction } from "./nn/loss-reduction.js";
export { huber, type KlDivergenceOptions, klDivergence, l1, mse, smoothL1 } from "./nn/losses.js";
export {
  LrScheduler,
  type LrSchedulerState,
  type PlateauState,
  ReduceOnPlateau,
  type ReduceOnPlateauOptions,
} from "./nn/lr-scheduler.js";
export { type Activation, type Layer, Module, Parameter } from "./nn/module.js";
export { NAdam, type NAdamOptions } from "./nn/nadam.js";
export { Optimizer, type Parameters, type UpdateRule, type UpdateRuleOptions } from "./nn/optimizer.js";
export type { GroupOptions, ParameterGroup } from "./nn/parameter-group.js";
export {
  AdaptiveAvgPool2d,
  AdaptiveMaxPool2d,
  AvgPool1d,
  AvgPool2d,
  GlobalAvgPool2d,
  GlobalMaxPool2d,
  MaxPool1d,
  MaxPool2d,
} from "./nn/pooling.js";
export { RAdam, type RAdamOptions } from "./nn/radam.js";
export { Flatten, type FlattenOptions, Identity, PixelShuffle, PixelUnshuffle } from "./nn/reshaping.js";
export { RmsProp, type RmsPropOptions } from "./nn/rmsprop.js";
export {
  chained,
  cosine,
  cosineRestarts,
  exponential,
  linearRamp,
  multiStep,
  type OneCycleOptions,
  oneCycle,
  oneCycleMomentum,
  piecewiseConstant,
  polynomial,
  type Schedule,
  sequence,
  stepDecay,
  warmUp,
} from "./nn/schedules.js";
export { Sequential } from "./nn/sequential.js";
export { Sgd, type SgdOptions } from "./nn/sgd.js";
export { type CosineSimilarityOptions, cosineEmbedding, cosineSimilarity } from "./nn/similarity.js";
export { restore, type Snapshot, type SnapshotPart, type SnapshotParts, snapshot } from "./nn/snapshot.js";
export { type HostEntry, readState, type StateEntry } from "./nn/state.js";
export { type TotalVariationOptions, totalVariation } from "./nn/total-variation.js";
export { Upsample2d } from "./nn/upsample2d.js";
export { type BackwardOptions, backward, Gradients } from "./tensor/backward.js";
export {
  type Captured,
  type CaptureInput,
  type CaptureOptions,
  type CaptureOutput,
  type CaptureReport,
  capture,
} from "./tensor/capture.js";
export {
  type ArangeOptions,
  arange,
  type EyeOptions,
  eye,
  fullLike,
  type LinspaceOptions,
  linspace,
  onesLike,
  zerosLike,
} from "./tensor/constructors.js";
export type { Conv2dOptions, ConvTranspose2dOptions } from "./tensor/conv2d-geometry.js";
export { defineKernel, type Kernel, type KernelOptions } from "./tensor/define-kernel.js";
export { defineOp, type Op, type OpDefinition, type Plan } from "./tensor/define-op.js";
export {
  type GradOptions,
  grad,
  hessianVectorProduct,
  jvp,
  type Pullback,
  stopGradient,
  valueAndGrad,
  vjp,
} from "./tensor/functional.js";
export { type GradcheckOptions, gradcheck } from "./tensor/gradcheck.js";
export { type TensorFromBufferOptions, tensorFromBuffer } from "./tensor/host-buffer.js";
export {
  celu,
  type EluOptions,
  elu,
  type GeluOptions,
  gelu,
  type HardtanhOptions,
  hardSigmoid,
  hardSwish,
  hardtanh,
  type LeakyReluOptions,
  leakyRelu,
  logSigmoid,
  mish,
  relu,
  relu6,
  type SoftplusOptions,
  selu,
  sigmoid,
  silu,
  softplus,
  softsign,
  tanh,
} from "./tensor/ops/activations.js";
export { adaptiveAvgPool2d, adaptiveMaxPool2d } from "./tensor/ops/adaptive-pool2d.js";
export { all, any } from "./tensor/ops/any.js";
export { type ArgMaxOptions, argMax, argMin } from "./tensor/ops/arg-max.js";
export { type AvgPool2dOptions, avgPool2d } from "./tensor/ops/avg-pool2d.js";
export { type BatchNorm2dOptions, batchNorm2d } from "./tensor/ops/batch-norm2d.js";
export { cast } from "./tensor/ops/cast.js";
export { type ClampOptions, clamp } from "./tensor/ops/clamp.js";
export {
  type ConcatOptions,
  concat,
  type SplitOptions,
  split,
  stack,
  type UnstackOptions,
  unstack,
} from "./tensor/ops/concat.js";
export { convTranspose2d } from "./tensor/ops/conv-transpose2d.js";
export {
  type Conv1dOptions,
  type ConvTranspose1dOptions,
  conv1d,
  convTranspose1d,
} from "./tensor/ops/conv1d.js";
export { conv2d } from "./tensor/ops/conv2d.js";
export { type CumMaxOptions, type CumSumOptions, cumMax, cumMin, cumProd, cumSum } from "./tensor/ops/cumulative.js";
export { type DropoutOptions, dropout } from "./tensor/ops/dropout.js";
export { type EinsumOptions, einsum } from "./tensor/ops/einsum.js";
export {
  abs,
  add,
  ceil,
  clampBetween,
  div,
  floor,
  floorDiv,
  fmod,
  frac,
  lerp,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  reciprocal,
  remainder,
  round,
  rsqrt,
  sign,
  sqrt,
  square,
  sub,
  trunc,
} from "./tensor/ops/elementwise.js";
export {
  type FlipOptions,
  flip,
  type RepeatOptions,
  type RollOptions,
  repeatElements,
  roll,
  type SwapAxesOptions,
  swapAxes,
  type TileOptions,
  tile,
} from "./tensor/ops/flip.js";
export {
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atan2,
  atanh,
  cos,
  cosh,
  erf,
  erfc,
  exp,
  exp2,
  expm1,
  log,
  log1p,
  log2,
  log10,
  sin,
  sinh,
  tan,
} from "./tensor/ops/functions.js";
export { type EmbeddingOptions, embedding, type GatherOptions, gather, take } from "./tensor/ops/gather.js";
export { type GlobalPool2dOptions, globalAvgPool2d, globalMaxPool2d } from "./tensor/ops/global-pool2d.js";
export { type AffineGridOptions, affineGrid, type GridSampleOptions, gridSample } from "./tensor/ops/grid-sample.js";
export { type GroupNormOptions, groupNorm } from "./tensor/ops/group-norm.js";
export { type ImageShiftOptions, imageShift } from "./tensor/ops/image-shift.js";
export {
  type InstanceNormEvalOptions,
  type InstanceNormOptions,
  type InstanceNormTrainOptions,
  instanceNorm,
} from "./tensor/ops/instance-norm.js";
export { type LayerNormOptions, layerNorm } from "./tensor/ops/layer-norm.js";
export { linear } from "./tensor/ops/linear.js";
export { type LocalResponseNormOptions, localResponseNorm } from "./tensor/ops/local-response-norm.js";
export { logSumExp } from "./tensor/ops/log-sum-exp.js";
export {
  equal,
  greater,
  greaterEqual,
  isFinite,
  isInf,
  isNaN,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  notEqual,
  where,
} from "./tensor/ops/logic.js";
export { type LpPool1dOptions, type LpPool2dOptions, lpPool1d, lpPool2d } from "./tensor/ops/lp-pool.js";
export { type MaskedFillOptions, maskedFill } from "./tensor/ops/masked-fill.js";
export { type MatmulOptions, matmul } from "./tensor/ops/matmul.js";
export { max, min } from "./tensor/ops/max.js";
export { type MaxPool2dOptions, maxPool2d, maxPool2dWithIndices } from "./tensor/ops/max-pool2d.js";
export { type MaxUnpool2dOptions, maxUnpool2d } from "./tensor/ops/max-unpool2d.js";
export { type NormOptions, norm } from "./tensor/ops/norm.js";
export { type OneHotOptions, oneHot } from "./tensor/ops/one-hot.js";
export { type PadOptions, pad } from "./tensor/ops/pad.js";
export { type PixelShuffleOptions, pixelShuffle, pixelUnshuffle } from "./tensor/ops/pixel-shuffle.js";
export {
  type AdaptivePool1dOptions,
  type AvgPool1dOptions,
  adaptiveAvgPool1d,
  adaptiveMaxPool1d,
  avgPool1d,
  type MaxPool1dOptions,
  maxPool1d,
} from "./tensor/ops/pool1d.js";
export { prod } from "./tensor/ops/prod.js";
export { type ReshapeOptions, reshape } from "./tensor/ops/reshape.js";
export { rmsNorm } from "./tensor/ops/rms-norm.js";
export { scatter } from "./tensor/ops/scatter.js";
export { indexAdd, scatterAdd } from "./tensor/ops/scatter-add.js";
export { type SliceOptions, slice } from "./tensor/ops/slice.js";
export { logSoftmax, type SoftmaxOptions, softmax } from "./tensor/ops/softmax.js";
export { argSort, type SortOptions, sort, type TopKOptions, topK } from "./tensor/ops/sort.js";
export {
  type FlattenAxesOptions,
  flatten,
  type SqueezeOptions,
  squeeze,
  type UnsqueezeOptions,
  unsqueeze,
} from "./tensor/ops/squeeze.js";
export { type BroadcastToOptions, broadcastTo, mean, type ReduceOptions, sum } from "./tensor/ops/sum.js";
export { sumAbs, sumSquares } from "./tensor/ops/sum-squares.js";
export {
  type GluOptions,
  glu,
  hardShrink,
  prelu,
  type ShrinkOptions,
  softShrink,
  type ThresholdOptions,
  tanhShrink,
  threshold,
} from "./tensor/ops/thresholds.js";
export { type TransposeOptions, transpose } from "./tensor/ops/transpose.js";
export { type TriangleOptions, tril, triu } from "./tensor/ops/tril.js";
export { type FoldOptions, fold, type UnfoldOptions, unfold } from "./tensor/ops/unfold.js";
export { type Upsample1dOptions, upsample1d } from "./tensor/ops/upsample1d.js";
export { type Upsample2dOptions, upsample2d } from "./tensor/ops/upsample2d.js";
export { std, type VarianceOptions, variance } from "./tensor/ops/variance.js";
export type { AdaptivePoolOptions, PoolOptions } from "./tensor/pool-window.js";
export { createRng, Rng, type RngState } from "./tensor/random.js";
export { readSafetensors, type Safetensors, writeSafetensors } from "./tensor/safetensors.js";
export type { Shape } from "./tensor/shape.js";
export {
  constant,
  type DType,
  full,
  type HostArray,
  type HostValues,
  ones,
  Tensor,
  type TensorOptions,
  tensor,
  zeros,
} from "./tensor/tensor.js";
