/** Entry point `voxpix`: the engine. Explicit names only. */
export type { AdapterDescription, Device, OpenDeviceOptions, Scope } from "./kernels/device.js";
export { DeviceError, DisposedError, DTypeError, GradError, ShapeError } from "./kernels/errors.js";
export { openDevice } from "./kernels/open-device.js";
export type { MemoryReport } from "./kernels/storage.js";
export { type BackwardOptions, backward, Gradients } from "./tensor/backward.js";
export { defineOp, type Op, type OpDefinition, type Plan } from "./tensor/define-op.js";
export { type GradcheckOptions, gradcheck } from "./tensor/gradcheck.js";
export * from "./tensor/ops/elementwise.js";
export { type ReshapeOptions, reshape } from "./tensor/ops/reshape.js";
export { broadcastTo, mean, type ReduceOptions, sum } from "./tensor/ops/sum.js";
export type { Shape } from "./tensor/shape.js";
export { constant, type DType, full, type HostArray, Tensor, type TensorOptions, tensor } from "./tensor/tensor.js";
