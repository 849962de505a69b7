/** Zip archives by seeking: .npz and PyTorch checkpoints, of which only some entries, or parts of them, are wanted. */
import { inflateRawSync } from "node:zlib";
import { DataError } from "./errors.js";
import { type ByteSource, withBytes } from "./file-bytes.js";

/** An entry of an archive. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes when unpacked. */
  readonly size: number;
  /** Whether it lies in the file as it is. */
  readonly stored: boolean;
}

interface Place extends ZipEntry {
  readonly packedSize: number;
  readonly method: number;
  readonly header: number;
  readonly crc: number;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
// The end record and the longest comment behind it.
const TAIL = 22 + 65535;
const MAX32 = 0xffffffff;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

/** The check sum of the format (CRC-32 of ISO 3309): zlib has it from Node 20.15 on only. */
function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    sum = (sum >>> 8) ^ (CRC_TABLE[(sum ^ (bytes[i] as number)) & 255] as number);
  }
  return ~sum >>> 0;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function damaged(file: string, what: string): DataError {
  return new DataError(`${file}: truncated or damaged zip archive: ${what}`, "Copy or download it again.");
}

/** Whether bytes from the start of a file are those of a zip archive. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/** An open archive. */
export class ZipArchive {
  readonly file: string;
  readonly #bytes: ByteSource;
  readonly #places: ReadonlyMap<string, Place>;

  private constructor(bytes: ByteSource, places: readonly Place[]) {
    this.file = bytes.file;
    this.#bytes = bytes;
    this.#places = new Map(places.map((place) => [place.name, place]));
  }

  /**
   * Reads the table of an archive.
   *
   * @throws {DataError} when it is none, or truncated or damaged.
   */
  static async open(bytes: ByteSource): Promise<ZipArchive> {
    const { offset, size } = await findTable(bytes);
    if (offset + size > bytes.size) throw damaged(bytes.file, "its table of contents is not where it should be");
    return new ZipArchive(bytes, parseTable(await bytes.read(offset, offset + size), bytes.file));
  }

  /** In the order of the table. */
  get entries(): readonly ZipEntry[] {
    return [...this.#places.values()];
  }

  /** Bytes `[start, end)` of an entry, default all; a compressed entry is unpacked whole for it. */
  async read(name: string, start = 0, end?: number): Promise<Uint8Array> {
    const place = this.#places.get(name);
    if (place === undefined) throw damaged(this.file, `no entry ${name}`);
    const until = end ?? place.size;
    if (start < 0 || start > until || until > place.size) {
      throw damaged(this.file, `${name}: byte ${until} is needed, it has ${place.size}`);
    }
    const from = await this.#dataStart(place);
    // A part of an entry has no sum of its own.
    if (place.stored && until - start < place.size) return this.#bytes.read(from + start, from + until);
    const packed = await this.#bytes.read(from, from + place.packedSize);
    const bytes = place.stored ? packed : this.#inflate(place, packed);
    if (crc32(bytes) !== place.crc) throw damaged(this.file, `${name} does not have the sum that the table says`);
    return bytes.subarray(start, until);
  }

  async #dataStart({ header, name }: Place): Promise<number> {
    const view = viewOf(await this.#bytes.read(header, header + 30));
    if (view.getUint32(0, true) !== LOCAL) throw damaged(this.file, `${name} is not where the table says`);
    return header + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  }

  #inflate({ name, method, size }: Place, packed: Uint8Array): Uint8Array {
    if (method !== 8) {
      throw new DataError(
        `${this.file}: ${name} is packed by method ${method}`,
        "Pack it with deflate, or not at all.",
      );
    }
    let bytes: Uint8Array;
    try {
      bytes = inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) });
    } catch (error) {
      throw damaged(this.file, `${name} (${error instanceof Error ? error.message : String(error)})`);
    }
    if (bytes.length !== size) throw damaged(this.file, `${name} has ${bytes.length} bytes, expected ${size}`);
    return bytes;
  }
}

async function findTable(bytes: ByteSource): Promise<{ offset: number; size: number }> {
  const start = Math.max(0, bytes.size - TAIL);
  const tail = viewOf(await bytes.read(start, bytes.size));
  let at = tail.byteLength - 22;
  while (at >= 0 && tail.getUint32(at, true) !== END) at--;
  if (at < 0) throw damaged(bytes.file, "its table of contents, at the end, is missing");
  const size = tail.getUint32(at + 12, true);
  const offset = tail.getUint32(at + 16, true);
  if (size !== MAX32 && offset !== MAX32) return { offset, size };
  if (at < 20 || tail.getUint32(at - 20, true) !== LOCATOR64)
    throw damaged(bytes.file, "its 64-bit locator is missing");
  const record = Number(tail.getBigUint64(at - 12, true));
  const end64 = viewOf(await bytes.read(record, record + 56));
  if (end64.getUint32(0, true) !== END64) throw damaged(bytes.file, "its 64-bit end record is missing");
  return { offset: Number(end64.getBigUint64(48, true)), size: Number(end64.getBigUint64(40, true)) };
}

function parseTable(table: Uint8Array, file: string): Place[] {
  const view = viewOf(table);
  const places: Place[] = [];
  for (let at = 0; at < table.length; ) {
    if (at + 46 > table.length || view.getUint32(at, true) !== CENTRAL) throw damaged(file, "its table of contents");
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [
      number,
      number,
      number,
    ];
    const extraStart = at + 46 + nameLength;
    const next = extraStart + extraLength + commentLength;
    if (next > table.length) throw damaged(file, "its table of contents");
    const name = new TextDecoder().decode(table.subarray(at + 46, extraStart));
    const method = view.getUint16(at + 10, true);
    const sizes = { size: view.getUint32(at + 24, true), packedSize: view.getUint32(at + 20, true) };
    const place = { ...sizes, header: view.getUint32(at + 42, true), crc: view.getUint32(at + 16, true) };
    const wide = widen(place, table.subarray(extraStart, extraStart + extraLength));
    if ((view.getUint16(at + 8, true) & 1) === 1) throw new DataError(`${file}: ${name} is encrypted`, "Unlock it.");
    places.push({ name, method, stored: method === 0, ...wide });
    at = next;
  }
  return places;
}

/** Replaces fields that do not fit in 32 bits by those of the zip64 extra field, which holds just these, in this order. */
function widen<T extends { size: number; packedSize: number; header: number }>(place: T, extra: Uint8Array): T {
  const view = viewOf(extra);
  const wide = { ...place };
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    let field = at + 4;
    for (const key of ["size", "packedSize", "header"] as const) {
      if (place[key] !== MAX32 || field + 8 > extra.length) continue;
      wide[key] = Number(view.getBigUint64(field, true));
      field += 8;
    }
  }
  return wide;
}

/** Opens any zip archive, gives it to `work`, and closes it again whatever happens. */
export function withZip<T>(path: string, work: (zip: ZipArchive) => Promise<T> | T): Promise<T> {
  return withBytes(path, async (bytes) => work(await ZipArchive.open(bytes)));
}
