/** PyTorch checkpoints (`.pth`, `.pt`) of either format: zip archives, and the pickles in a row that came before them. */
import { DataError } from "./errors.js";
import { type ByteSource, openBytes } from "./file-bytes.js";
import { elementSpan, type PickledTensor, PickleReader, tensorsOf } from "./pickled-tensors.js";
import { type ElementType, noTensor, readStrided, storageTypes, type TensorFile } from "./tensor-file.js";
import { isZip, ZipArchive } from "./zip.js";

/** Reads bytes `[start, end)` of a storage. */
type ReadStorage = (key: string, start: number, end: number) => Promise<Uint8Array>;

// The first pickle of the old format: protocol 2, the number 0x1950a86a20f9469cfc6c.
const LEGACY_START = [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

/** Whether bytes from the start of a file are those of a checkpoint from before PyTorch 1.6. */
export function isLegacyPth(bytes: Uint8Array): boolean {
  return LEGACY_START.every((byte, i) => bytes[i] === byte);
}

/**
 * Opens a checkpoint. Nothing of it is run: of its pickle only tensors and dicts are understood.
 *
 * @throws {DataError} when it is no checkpoint, damaged, or holds anything but tensors.
 */
export async function openPth(path: string): Promise<TensorFile> {
  const bytes = await openBytes(path);
  try {
    const start = await bytes.read(0, Math.min(16, bytes.size));
    if (isZip(start)) return await openZipPth(bytes);
    if (isLegacyPth(start)) return await openLegacyPth(bytes);
    throw new DataError(
      `${path}: not a PyTorch checkpoint`,
      "Give a file saved with torch.save(model.state_dict(), path).",
    );
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

async function openZipPth(bytes: ByteSource): Promise<TensorFile> {
  const zip = await ZipArchive.open(bytes);
  const pickle = zip.entries.find(({ name }) => name.endsWith("/data.pkl") || name === "data.pkl")?.name;
  if (pickle === undefined) {
    throw new DataError(`${bytes.file}: a zip archive without data.pkl`, "Give a file saved with torch.save.");
  }
  const folder = pickle.slice(0, -"data.pkl".length);
  const order = zip.entries.some(({ name }) => name === `${folder}byteorder`)
    ? new TextDecoder().decode(await zip.read(`${folder}byteorder`))
    : "little";
  if (order !== "little") throw bigEndian(bytes.file);
  const reader = new PickleReader(bytes.file, await zip.read(pickle));
  const tensors = tensorsOf(bytes.file, reader.next());
  return tensorFile(bytes, tensors, (key, start, end) => zip.read(`${folder}data/${key}`, start, end));
}

function bigEndian(file: string): DataError {
  return new DataError(`${file}: saved on a big-endian machine`, "Save it again on a usual one.");
}

/** Four pickles (magic number, version, machine, state dict), one with the keys of storages, then each storage behind its size. */
async function openLegacyPth(bytes: ByteSource): Promise<TensorFile> {
  const head = await readLegacyPickles(bytes);
  const places = new Map<string, number>();
  let at = head.end;
  for (const key of head.keys) {
    const storage = head.storages.get(key);
    const type = storageTypes.get(storage?.type ?? "");
    if (storage === undefined || type === undefined) {
      throw new DataError(`${bytes.file}: storage ${key} is of no known type`, "Copy or download it again.");
    }
    const prefix = await bytes.read(at, at + 8);
    const size = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigInt64(0, true));
    if (size !== storage.size) {
      throw new DataError(
        `${bytes.file}: truncated or damaged: storage ${key} has ${size} elements, expected ${storage.size}`,
        "Copy or download it again.",
      );
    }
    places.set(key, at + 8);
    at += 8 + size * type.bytes;
  }
  return tensorFile(bytes, head.tensors, (key, start, end) => {
    const place = places.get(key) ?? 0;
    return bytes.read(place + start, place + end);
  });
}

async function readLegacyPickles(bytes: ByteSource) {
  for (let count = 1 << 20; ; count *= 8) {
    const whole = count >= bytes.size;
    const reader = new PickleReader(bytes.file, await bytes.read(0, Math.min(count, bytes.size)), LEGACY_START.length);
    try {
      reader.next();
      const machine = reader.next();
      if (machine instanceof Map && machine.get("little_endian") === false) throw bigEndian(bytes.file);
      const tensors = tensorsOf(bytes.file, reader.next());
      const keys = reader.next();
      if (!Array.isArray(keys)) throw new DataError(`${bytes.file}: no list of storages`, "Copy or download it again.");
      return { tensors, keys: keys.map(String), storages: reader.storages, end: reader.position };
    } catch (error) {
      // The pickles may reach past what was read.
      if (whole || !(error instanceof DataError && error.message.includes("pickle ("))) throw error;
    }
  }
}

function tensorFile(bytes: ByteSource, tensors: ReadonlyMap<string, PickledTensor>, read: ReadStorage): TensorFile {
  return {
    file: bytes.file,
    shapes: new Map([...tensors].map(([name, { shape }]) => [name, shape])),
    async read(name) {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw noTensor(bytes.file, name, tensors.keys());
      const type: ElementType | undefined = storageTypes.get(tensor.storage.type);
      if (type === undefined) {
        throw new DataError(`${bytes.file}: ${name} is of type ${tensor.storage.type}`, "Save it as float32.");
      }
      const start = tensor.offset * type.bytes;
      const stored = await read(tensor.storage.key, start, start + elementSpan(tensor) * type.bytes);
      return { shape: tensor.shape, values: readStrided(stored, type, tensor.shape, tensor.strides) };
    },
    close: () => bytes.close(),
  };
}
