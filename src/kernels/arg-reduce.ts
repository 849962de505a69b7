/** Dispatch of argMax and argMin: as many passes as it takes to keep each thread's share short. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { ElementType, ReductionSize } from "./reduce.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

const elementsPerThread = 64;

/** When one element beats another, and when neither does; NaN beats all. */
function comparisons(kind: "max" | "min", type: ElementType): { better: string; same: string } {
  const beats = kind === "max" ? "a > b" : "a < b";
  if (type !== "f32") return { better: beats, same: "a == b" };
  return {
    better: `!is_nan(b) && (is_nan(a) || ${beats})`,
    same: "(is_nan(a) && is_nan(b)) || (!is_nan(a) && !is_nan(b) && a == b)",
  };
}

/**
 * The place of the extreme along the middle axis of `size`, whose length is at least 1, as u32.
 *
 * @throws {DeviceError} when 64 outer rows exceed one binding.
 */
export function argReduce(
  device: Device,
  kind: "max" | "min",
  type: ElementType,
  { input, output }: { input: Storage; output: Storage },
  size: ReductionSize,
): void {
  const { outer, length, inner } = size;
  const perRow = length * inner;
  const operands = [[input.bytes, perRow] as const, [output.bytes, inner] as const];
  for (const { N, of } of imageWindows(device, "arg-reduce", outer, operands, "rows")) {
    const constants = { T: type, ...comparisons(kind, type) };
    passes(device, constants, of(input, perRow), of(output, inner), { ...size, outer: N });
  }
}

function passes(
  device: Device,
  constants: { T: string; better: string; same: string },
  input: Binding,
  output: Binding,
  { outer, length, inner }: ReductionSize,
): void {
  let found: Storage | null = null;
  let left = length;
  while (true) {
    const split = Math.ceil(left / elementsPerThread);
    const next: Storage | null = split === 1 ? null : device.allocate(outer * split * inner * 4, "arg-reduce/found");
    device.launch(sources["arg-reduce"], {
      dims: { outer, length, R: left, inner, split },
      buffers: { input, found: found ?? input, output: next ?? output },
      constants: { ...constants, AGAIN: String(found !== null) },
      groups: grid(outer * split * inner, 64),
    });
    found?.release();
    if (!next) return;
    found = next;
    left = split;
  }
}
