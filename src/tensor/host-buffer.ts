/** Sharing memory with the application: its buffers as tensors, and tensors' memory as buffers. No byte is copied. */
import type { Device } from "../kernels/device.js";
import { DeviceError } from "../kernels/errors.js";
import { bufferSize, type Storage } from "../kernels/storage.js";
import { bytesOf, checkType } from "./host-values.js";
import { readOptions, show } from "./options.js";
import { checkShape, formatShape, type Shape, sizeOf } from "./shape.js";
import { checkDevice, type DType, Tensor } from "./tensor.js";

/** Options of `tensorFromBuffer`. */
export interface TensorFromBufferOptions {
  /** Default `"f32"`. */
  readonly dtype?: DType;
  /** Where the elements begin, in bytes, a multiple of 256. Default 0. */
  readonly offset?: number;
}

/** The usages COPY_SRC, COPY_DST and STORAGE, whose bits the WebGPU standard fixes. */
const neededUsage = 0x04 | 0x08 | 0x80;

/**
 * A buffer of the application's as a tensor, without a copy. The buffer must be one of the device's own `gpuDevice`, and stay
 * alive as long as the tensor, which never destroys it. Kernels work in blocks: the tensor's memory reaches to the next multiple
 * of 256 bytes, and what the buffer holds there is not preserved.
 *
 * When the application changes the content, `backward` cannot tell: run the forward pass after it.
 *
 * @param gpuBuffer - With usage STORAGE, COPY_SRC and COPY_DST; contiguous, row-major, 4 bytes an element (f16: 2).
 * @param shape - Of the tensor.
 * @param options - `dtype` `"f32"`, `offset` 0 bytes.
 * @throws {ShapeError} when the shape is none.
 * @throws {DeviceError} when the buffer is too small or lacks a usage, or the offset is no multiple of 256.
 */
export function tensorFromBuffer(
  device: Device,
  gpuBuffer: Storage["buffer"],
  shape: Shape,
  options: TensorFromBufferOptions = {},
): Tensor {
  checkDevice("tensorFromBuffer", device);
  const kinds = { dtype: "any?", offset: "number?" } as const;
  const { dtype = "f32", offset = 0 } = readOptions<TensorFromBufferOptions>("tensorFromBuffer", options, kinds);
  checkType("tensorFromBuffer", dtype);
  const { size, usage } = (gpuBuffer ?? {}) as Partial<Storage["buffer"]>;
  if (typeof size !== "number" || typeof usage !== "number")
    throw new DeviceError(`tensorFromBuffer: gpuBuffer must be a buffer of the device, got ${show(gpuBuffer)}`);
  checkShape("tensorFromBuffer", shape);
  const bytes = bufferSize(bytesOf(dtype, sizeOf(shape)));
  if (!(Number.isInteger(offset) && offset >= 0 && offset % 256 === 0))
    throw new DeviceError(`tensorFromBuffer: offset must be a multiple of 256 bytes, got ${offset}`);
  if (size < offset + bytes) {
    throw new DeviceError(
      `tensorFromBuffer: ${formatShape(shape)} at ${offset} needs a buffer of ${offset + bytes} bytes (rounded up to 256), got ${size}`,
    );
  }
  if ((usage & neededUsage) !== neededUsage)
    throw new DeviceError("tensorFromBuffer: the buffer needs usage STORAGE, COPY_SRC and COPY_DST");
  device.recorder.refuse(
    "tensorFromBuffer",
    "in a captured function it would be the buffer of its first call for ever",
  );
  return new Tensor(device, [...shape], dtype, device.wrap(gpuBuffer, offset, bytes));
}
