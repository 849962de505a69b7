/** Dispatch of the running sums, products, maxima and minima: blocks, their totals, and the blocks again with what comes before. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import { type ElementType, type ReductionSize, reductions } from "./reduce.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

/** Elements of a block: few, so that each running value is the sum of few numbers. */
const blockSize = 32;

/** What can run along an axis. */
export type CumulativeKind = "sum" | "prod" | "max" | "min";

/** How it runs. */
export interface CumulativeKernelOptions {
  /** From the end. */
  readonly reverse: boolean;
  /** Without the element itself; sum and prod only. */
  readonly exclusive: boolean;
  /** Element type of the input. */
  readonly type: ElementType;
  /** Element type of the result. */
  readonly resultType: ElementType;
}

/**
 * Combines along the middle axis of `size`. What exceeds one binding is worked on in windows of the outer axis.
 *
 * @throws {DeviceError} when 64 outer rows exceed one binding.
 */
export function cumulative(
  device: Device,
  kind: CumulativeKind,
  input: Storage,
  output: Storage,
  size: ReductionSize,
  options: CumulativeKernelOptions,
): void {
  const perRow = size.length * size.inner;
  const operands = [[input.bytes, perRow] as const, [output.bytes, perRow] as const];
  for (const { N, of } of imageWindows(device, "cumulative", size.outer, operands, "rows"))
    scan(device, kind, of(input, perRow), of(output, perRow), { ...size, outer: N }, options);
}

function scan(
  device: Device,
  kind: CumulativeKind,
  input: Binding,
  output: Binding,
  size: ReductionSize,
  options: CumulativeKernelOptions,
): void {
  const { outer, length, inner } = size;
  const { reverse, exclusive, type, resultType } = options;
  const blocks = Math.ceil(length / blockSize);
  const { combine, start } = reductions[kind](type === "f32");
  const pass = (to: Binding, carry: Storage | null, totals: boolean) =>
    device.launch(sources.cumulative, {
      dims: { outer, R: length, inner, blocks },
      // The kernel wants some binding where nothing is carried.
      buffers: { input, carry: carry ?? input, output: to },
      constants: {
        combine,
        start,
        T: type,
        A: resultType,
        BLOCK: blockSize,
        REVERSE: String(reverse),
        EXCLUSIVE: String(exclusive),
        CARRIED: String(carry !== null),
        TOTALS: String(totals),
      },
      groups: grid(outer * blocks * inner, 64),
    });
  if (blocks === 1) {
    pass(output, null, false);
    return;
  }
  const totals = device.allocate(outer * blocks * inner * 4, "cumulative/totals");
  const carry = device.allocate(outer * blocks * inner * 4, "cumulative/carry");
  pass(totals, null, true);
  const plain = { reverse: false, exclusive: false, type: resultType, resultType };
  scan(device, kind, totals, carry, { outer, length: blocks, inner }, plain);
  pass(output, carry, false);
  totals.release();
  carry.release();
}
