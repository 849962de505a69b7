/** State dictionaries: the tensors of a module or optimizer by name, and how they are put back. */
import { ShapeError } from "../kernels/errors.js";
import { checkInputs } from "../tensor/define-op.js";
import { checkKind, isList, show } from "../tensor/options.js";
import { formatShape, type Shape, sameShape, sizeOf } from "../tensor/shape.js";
import type { DType, HostArray, Tensor } from "../tensor/tensor.js";

/** An entry of a saved state: what `loadStateDict` takes. */
export interface StateEntry {
  readonly shape: Shape;
  /** As many numbers as the shape holds, row-major. */
  readonly values: ArrayLike<number>;
}

/** An entry as it was read from the GPU: what files are written from. */
export interface HostEntry extends StateEntry {
  readonly dtype: DType;
  readonly values: HostArray;
}

/** Reads a state dictionary back from the GPU. */
export async function readState(state: ReadonlyMap<string, Tensor>): Promise<Map<string, HostEntry>> {
  checkKind("readState", "state", state, "map");
  for (const [name, tensor] of state) checkInputs("readState", [name], [tensor], "any");
  const entries = new Map<string, HostEntry>();
  for (const [name, tensor] of state)
    entries.set(name, { shape: tensor.shape, dtype: tensor.dtype, values: await tensor.data() });
  return entries;
}

/** @throws {ShapeError} unless an entry has a shape and a list of values. */
function checkEntry(op: string, name: string, entry: unknown): void {
  const { shape, values } = (typeof entry === "object" && entry !== null ? entry : {}) as Partial<StateEntry>;
  if (isList(shape) && isList(values)) return;
  throw new ShapeError(`${op}: entry ${name} must be { shape, values }, both lists, got ${show(entry)}`);
}

/**
 * Checks saved entries against the shapes that are wanted.
 *
 * @throws {ShapeError} naming every entry that is missing, unexpected or of another shape.
 */
export function checkState(
  op: string,
  wanted: ReadonlyMap<string, Shape>,
  entries: ReadonlyMap<string, StateEntry>,
): void {
  checkKind(op, "entries", entries, "map");
  for (const [name, entry] of entries) checkEntry(op, name, entry);
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const [name, shape] of wanted) {
    const entry = entries.get(name);
    if (!entry) missing.push(`\n  missing    ${name} ${formatShape(shape)}`);
    else if (!sameShape(entry.shape, shape))
      misshapen.push(`\n  mis-shaped ${name} ${formatShape(entry.shape)}, not ${formatShape(shape)}`);
    else if (entry.values.length !== sizeOf(shape))
      misshapen.push(`\n  mis-shaped ${name} ${formatShape(shape)} with ${entry.values.length} values`);
  }
  const unexpected = [...entries]
    .filter(([name]) => !wanted.has(name))
    .map(([name, { shape }]) => `\n  unexpected ${name} ${formatShape(shape)}`);
  const lines = [...missing, ...unexpected, ...misshapen];
  if (lines.length === 0) return;
  throw new ShapeError(
    `${op}: the entries must be those of the state, got ${missing.length} missing, ${unexpected.length} unexpected and ${misshapen.length} mis-shaped; nothing was changed${lines.join("")}`,
  );
}
