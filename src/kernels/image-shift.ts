/** Dispatch of the per-image shifts and of their transpose. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";

/** Sizes of a batch of images, and where its shifts are. */
export interface ImageShift {
  /** NHWC. */
  readonly shape: readonly [number, number, number, number];
  /** i32 `[N]`: rows down. */
  readonly dy: Storage;
  /** i32 `[N]`: columns to the right. */
  readonly dx: Storage;
}

const launchOf = ({ shape: [N, H, W, C] }: ImageShift) => ({
  dims: { N, H, W, C },
  groups: grid(N * H * W * C, 64),
});

/** Shifts the images. */
export function imageShift(device: Device, input: Storage, output: Storage, shift: ImageShift): void {
  const { dy, dx } = shift;
  device.launch(sources["image-shift"], { ...launchOf(shift), buffers: { input, dy, dx, output } });
}

/** The transpose of `imageShift`. */
export function imageShiftGradInput(device: Device, gradOutput: Storage, output: Storage, shift: ImageShift): void {
  const { dy, dx } = shift;
  device.launch(sources["image-shift-grad-input"], {
    ...launchOf(shift),
    buffers: { grad_output: gradOutput, dy, dx, output },
  });
}
