/** Safetensors files by tensor: the table first, then the bytes of the tensors that are asked for and no others. */
import { DataError } from "./errors.js";
import { type ByteSource, openBytes } from "./file-bytes.js";
import { openUrl } from "./http-bytes.js";
import { noTensor, readStrided, rowMajorStrides, safetensorsTypes, type TensorFile } from "./tensor-file.js";

interface Place {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

// The reference implementation reads no longer table.
const TABLE_LIMIT = 100_000_000;

function damaged(file: string, what: string): DataError {
  return new DataError(`${file}: truncated or damaged safetensors file: ${what}`, "Copy or download it again.");
}

/**
 * Opens a safetensors file.
 *
 * @param path - A file, or an address: then the server must answer requests for ranges.
 * @throws {DataError} when it is none, or damaged, or the server does not answer so.
 */
export async function openSafetensors(path: string): Promise<TensorFile> {
  const bytes = /^https?:\/\//i.test(path) ? await openUrl(path) : await openBytes(path);
  try {
    return await readTable(bytes);
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

async function readTable(bytes: ByteSource): Promise<TensorFile> {
  const { file, size } = bytes;
  const head = await bytes.read(0, Math.min(8, size));
  const length = head.length < 8 ? 0n : new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
  if (length < 2n || length > BigInt(TABLE_LIMIT) || 8 + Number(length) > size) {
    throw damaged(file, `its table should have ${length} of ${size} bytes`);
  }
  const data = 8 + Number(length);
  const places = parseTable(new TextDecoder().decode(await bytes.read(8, data)), file, size - data);
  return {
    file,
    shapes: new Map([...places].map(([name, { shape }]) => [name, shape])),
    async read(name) {
      const place = places.get(name);
      if (place === undefined) throw noTensor(file, name, places.keys());
      const type = safetensorsTypes.get(place.dtype);
      if (type === undefined) throw new DataError(`${file}: ${name} is of type ${place.dtype}`, "Save it as F32.");
      const stored = await bytes.read(data + place.start, data + place.end);
      const { shape } = place;
      return { shape, values: readStrided(stored, type, shape, rowMajorStrides(shape)) };
    },
    close: () => bytes.close(),
  };
}

function parseTable(text: string, file: string, dataSize: number): Map<string, Place> {
  let table: unknown;
  try {
    table = JSON.parse(text);
  } catch (error) {
    throw damaged(file, `its table is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  if (typeof table !== "object" || table === null || Array.isArray(table))
    throw damaged(file, "its table is no object");
  const entries = Object.entries(table).filter(([name]) => name !== "__metadata__");
  return new Map(entries.map(([name, value]) => [name, parsePlace(name, value, file, dataSize)]));
}

function parsePlace(name: string, value: unknown, file: string, dataSize: number): Place {
  const {
    dtype,
    shape,
    data_offsets: offsets,
  } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const natural = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  const type = safetensorsTypes.get(String(dtype));
  if (typeof dtype !== "string" || !natural(shape) || !natural(offsets) || offsets.length !== 2) {
    throw damaged(file, `${name} has no dtype, shape and data_offsets`);
  }
  const [start, end] = offsets as [number, number];
  const bytes = shape.reduce((a, b) => a * b, 1) * (type?.bytes ?? 0);
  if (start > end || end > dataSize || (type !== undefined && end - start !== bytes)) {
    throw damaged(file, `${name} lies at ${start} to ${end} of ${dataSize} bytes`);
  }
  return { dtype, shape, start, end };
}
