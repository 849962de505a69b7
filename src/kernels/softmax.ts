/** Dispatch of softmax and its logarithm: one kernel for short axes, several passes for long ones. */
import type { Device } from "./device.js";
import { elementwise } from "./elementwise.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import { type ReductionSize, reduce } from "./reduce.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

/** What becomes of an element, from its distance to the largest and the sum of exponentials. */
const results = {
  softmax: "exponential(shifted) / total",
  logSoftmax: "shifted - logarithm(total)",
} as const;

/** Softmax or its logarithm. */
export type SoftmaxKind = keyof typeof results;

/** The longest axis that a thread alone walks, and that a workgroup does. */
const [longestAlone, longestTogether] = [256, 16_384];

/** Along the middle axis of `size`, whose length is at least 1. */
export function softmax(device: Device, kind: SoftmaxKind, input: Storage, output: Storage, size: ReductionSize): void {
  const { outer, length, inner } = size;
  const together = length > 64 && inner === 1;
  if (length > (together ? longestTogether : longestAlone)) {
    softmaxLong(device, kind, input, output, size);
    return;
  }
  const perRow = length * inner;
  const lanes = together ? 64 : 1;
  for (const { N, of } of imageWindows(device, kind, outer, [[input.bytes, perRow]], "rows")) {
    device.launch(sources.softmax, {
      dims: { rows: N * inner, R: length, inner },
      buffers: { input: of(input, perRow), output: of(output, perRow) },
      constants: { LANES: lanes, power_of_e: "exponential(v)", result: results[kind] },
      groups: grid(N * inner, 64 / lanes),
    });
  }
}

/** The largest, the sum of exponentials and the result, each in passes of their own, which keep long sums accurate. */
function softmaxLong(device: Device, kind: SoftmaxKind, input: Storage, output: Storage, size: ReductionSize): void {
  const { outer, length, inner } = size;
  const shape = [outer, length, inner];
  const large = (storage: Storage) => ({ storage, shape, type: "f32" as const });
  const small = (storage: Storage) => ({ storage, shape: [outer, 1, inner], type: "f32" as const });
  const largest = device.allocate(outer * inner * 4, `${kind}/largest`);
  const total = device.allocate(outer * inner * 4, `${kind}/total`);
  reduce(device, "max", input, largest, size);
  const shifted = { inputs: [large(input), small(largest)], output, outputType: "f32", shape } as const;
  elementwise(device, { ...shifted, expression: "exponential(x - y)" });
  reduce(device, "sum", output, total, size);
  const expression = results[kind].replace("shifted", "(x - y)").replace("total", "z");
  elementwise(device, { ...shifted, inputs: [...shifted.inputs, small(total)], expression });
  largest.release();
  total.release();
}
