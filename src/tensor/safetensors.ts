/**
 * The safetensors file format: a table of names, element types and byte ranges in JSON, then the elements. Bytes in, tensors on
 * the host out, and back; nothing of the file is run. https://huggingface.co/docs/safetensors
 */
import { FormatError } from "../kernels/errors.js";
import { numberToHalf, unpackHalves } from "./half.js";
import { checkType } from "./host-values.js";
import { checkKind, show } from "./options.js";
import { checkShape, formatShape, type Shape, sizeOf } from "./shape.js";
import type { DType, HostArray } from "./tensor.js";

/** A tensor of a file. */
export interface SafetensorsEntry {
  readonly dtype: DType;
  readonly shape: Shape;
  /** f32 and f16 as Float32Array, i32 as Int32Array, u32 and bool as Uint32Array. */
  readonly values: HostArray;
}

/** What a file holds: the tensors in the order of their bytes, and free text. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The reference implementation reads no longer header, and neither do we. */
const headerLimit = 100_000_000;

interface ElementType {
  readonly bytes: number;
  readonly dtype: DType;
  /** From an own copy of the elements' bytes. */
  read(bytes: ArrayBuffer): HostArray;
}

/** Element types by their name in the file. BF16 is read as f32, U8 as u32, BOOL as bool. */
const elementTypes = new Map<string, ElementType>([
  ["F32", { bytes: 4, dtype: "f32", read: (bytes) => new Float32Array(bytes) }],
  ["F16", { bytes: 2, dtype: "f16", read: (bytes) => unpackHalves(bytes, bytes.byteLength / 2) }],
  // The upper half of an f32.
  [
    "BF16",
    {
      bytes: 2,
      dtype: "f32",
      read: (b) => new Float32Array(Uint32Array.from(new Uint16Array(b), (v) => v << 16).buffer),
    },
  ],
  ["I32", { bytes: 4, dtype: "i32", read: (bytes) => new Int32Array(bytes) }],
  ["U32", { bytes: 4, dtype: "u32", read: (bytes) => new Uint32Array(bytes) }],
  ["U8", { bytes: 1, dtype: "u32", read: (bytes) => Uint32Array.from(new Uint8Array(bytes)) }],
  ["BOOL", { bytes: 1, dtype: "bool", read: (bytes) => Uint32Array.from(new Uint8Array(bytes), (v) => (v ? 1 : 0)) }],
]);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The header's text. */
function headerText(file: Uint8Array): { text: string; end: number } {
  if (file.length < 8)
    throw new FormatError(`safetensors: the file must begin with 8 bytes of header length, got ${file.length} bytes`);
  const length = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true));
  if (length > headerLimit)
    throw new FormatError(`safetensors: the header may have at most ${headerLimit} bytes, got ${length}`);
  if (8 + length > file.length)
    throw new FormatError(`safetensors: the header ends at byte ${8 + length}, but the file has ${file.length}`);
  const bytes = file.subarray(8, 8 + length);
  if (bytes[0] !== 0x7b) throw new FormatError("safetensors: the header must begin with {");
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), end: 8 + length };
  } catch {
    throw new FormatError("safetensors: the header is not UTF-8 text");
  }
}

/** Keys of the outermost object, as often as they are written: `JSON.parse` silently keeps the last of equal ones. */
function topLevelKeys(text: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    const token = match[0];
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && match[1]) keys.push(JSON.parse(token.slice(0, -match[1].length)) as string);
  }
  return keys;
}

function parseHeader(text: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`safetensors: the header is not JSON: ${(error as Error).message}`);
  }
  if (!isRecord(header)) throw new FormatError("safetensors: the header must be an object");
  const keys = topLevelKeys(text);
  const twice = keys.find((key, i) => keys.indexOf(key) !== i);
  if (twice !== undefined) throw new FormatError(`safetensors: ${twice} is in the header twice`);
  return header;
}

function parseMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value) || !Object.values(value).every((text) => typeof text === "string"))
    throw new FormatError("safetensors: __metadata__ must be an object of texts");
  return value as Record<string, string>;
}

interface Extent {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
  readonly start: number;
  readonly end: number;
}

/** One tensor's line of the header, checked against itself. */
function parseExtent(name: string, value: unknown): Extent {
  const fail = (rule: string, got: unknown): never => {
    throw new FormatError(`safetensors: ${name}: ${rule}, got ${JSON.stringify(got)}`);
  };
  if (!isRecord(value)) return fail("must be an object", value);
  const { dtype, shape, data_offsets: offsets } = value;
  const type = typeof dtype === "string" ? elementTypes.get(dtype) : undefined;
  if (!type) return fail(`dtype must be one of ${[...elementTypes.keys()].join(", ")}`, dtype);
  const isSize = (size: unknown): size is number => Number.isSafeInteger(size) && (size as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(isSize)) return fail("shape must be a list of whole numbers >= 0", shape);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize))
    return fail("data_offsets must be two whole numbers >= 0", offsets);
  const [start, end] = offsets as [number, number];
  const bytes = sizeOf(shape) * type.bytes;
  if (end - start !== bytes)
    return fail(`data_offsets must span the ${bytes} bytes of ${dtype} ${formatShape(shape)}`, offsets);
  return { name, type, shape, start, end };
}

/** @throws {FormatError} unless the tensors fill the data without gap or overlap. `extents` is in order of the offsets. */
function checkCoverage(extents: readonly Extent[], bytes: number): void {
  let reached = 0;
  for (const { name, start, end } of extents) {
    if (end > bytes)
      throw new FormatError(`safetensors: ${name}: ends at byte ${end} of the data, but there are ${bytes}`);
    if (start !== reached) {
      const what = start < reached ? "overlaps the tensor before it" : "leaves a gap before it";
      throw new FormatError(
        `safetensors: ${name}: ${what}: begins at byte ${start}, the one before ends at ${reached}`,
      );
    }
    reached = end;
  }
  if (reached !== bytes)
    throw new FormatError(`safetensors: the tensors end at byte ${reached} of the data, but there are ${bytes}`);
}

/**
 * Reads a safetensors file: F32, F16, BF16 (as f32), I32, U32, U8 (as u32) and BOOL.
 *
 * @param file - All its bytes.
 * @throws {FormatError} when the file is cut short, its header is broken, a type is unknown, or the tensors do not fill the data
 *   exactly; it names the tensor.
 * @throws {ShapeError} when a tensor has more axes than are supported.
 */
export function readSafetensors(file: Uint8Array): Safetensors {
  if (!(file instanceof Uint8Array)) throw new FormatError(`safetensors: file must be a Uint8Array, got ${show(file)}`);
  const { text, end } = headerText(file);
  const { __metadata__: metadata, ...entries } = parseHeader(text);
  const extents = Object.entries(entries)
    .map(([name, value]) => parseExtent(name, value))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  checkCoverage(extents, file.length - end);
  const tensors = new Map<string, SafetensorsEntry>();
  for (const { name, type, shape, start, end: stop } of extents) {
    checkShape(name, shape);
    // A copy: the elements may stand at any byte of the file.
    const bytes = new Uint8Array(file.subarray(end + start, end + stop)).buffer;
    tensors.set(name, { dtype: type.dtype, shape, values: type.read(bytes) });
  }
  return { tensors, metadata: parseMetadata(metadata) };
}

const written = { f32: "F32", f16: "F16", i32: "I32", u32: "U32", bool: "BOOL" } as const;

/** Elements of 4 bytes come before those of 2, and these before those of 1. */
const narrowness = { f32: 0, i32: 0, u32: 0, f16: 1, bool: 2 } as const;

/** The bytes of an entry's elements. */
function elementBytes({ dtype, values }: SafetensorsEntry): Uint8Array {
  if (dtype === "bool") return Uint8Array.from(values, (value) => (value ? 1 : 0));
  if (dtype === "f16") return new Uint8Array(Uint16Array.from(values, numberToHalf).buffer);
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Writes a safetensors file. The header is padded with spaces, so that the elements begin at a multiple of 8 bytes; tensors of
 * larger elements come first, so that each begins at a multiple of its element size. The same tensors give the same bytes.
 *
 * @param metadata - Free text by name.
 * @throws {FormatError} when a name is reserved, or the values are not those of the shape and type.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, SafetensorsEntry>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  checkKind("writeSafetensors", "tensors", tensors, "map");
  checkMetadata(metadata);
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  const parts: { bytes: Uint8Array; start: number }[] = [];
  let length = 0;
  for (const [name, entry] of tensors) checkEntry(name, entry);
  const narrowLast = [...tensors].sort(([, a], [, b]) => narrowness[a.dtype] - narrowness[b.dtype]);
  for (const [name, entry] of narrowLast) {
    const bytes = elementBytes(entry);
    const range = [length, length + bytes.length];
    header.push([name, { dtype: written[entry.dtype], shape: entry.shape, data_offsets: range }]);
    parts.push({ bytes, start: length });
    length += bytes.length;
  }
  const text = new TextEncoder().encode(objectText(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + padded + length);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.fill(0x20, 8, 8 + padded);
  file.set(text, 8);
  for (const { bytes, start } of parts) file.set(bytes, 8 + padded + start);
  return file;
}

/** A JSON object with its keys in this order: objects of the language put keys that are numbers first. */
const objectText = (entries: readonly (readonly [string, unknown])[]) =>
  `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  checkKind("writeSafetensors", "metadata", metadata, "object");
  for (const [name, text] of Object.entries(metadata))
    checkKind("writeSafetensors", `metadata.${name}`, text, "string");
}

function checkEntry(name: string, entry: SafetensorsEntry): void {
  checkKind("writeSafetensors", name, entry, "object");
  const { dtype, shape, values } = entry;
  checkType("writeSafetensors", dtype);
  checkShape("writeSafetensors", shape);
  if (name === "__metadata__") throw new FormatError("safetensors: no tensor may be called __metadata__");
  const arrays = { f32: Float32Array, f16: Float32Array, i32: Int32Array, u32: Uint32Array, bool: Uint32Array };
  if (!(values instanceof arrays[dtype]) || values.length !== sizeOf(shape)) {
    throw new FormatError(
      `safetensors: ${name}: ${dtype} ${formatShape(shape)} needs a ${arrays[dtype].name} of ${sizeOf(shape)}, got a ${values.constructor.name} of ${values.length}`,
    );
  }
}
