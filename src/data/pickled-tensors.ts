/** The pickles of PyTorch checkpoints, read without running any of their code: names outside a short list are refused. */
import { BufferReader, Parser } from "pickleparser";
import { DataError } from "./errors.js";

/** A tensor as the pickle describes it: a view of a storage. */
export class PickledTensor {
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: PickledStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** A storage that the pickle names; its bytes are elsewhere in the file. */
export interface PickledStorage {
  readonly key: string;
  /** "FloatStorage", ... */
  readonly type: string;
  /** Elements. */
  readonly size: number;
}

const REMEDY = "Save it in PyTorch with torch.save(model.state_dict(), path).";

/** Stands for a storage class inside a pickle; calling it does nothing. */
class StorageName {
  readonly type: string;

  constructor(type: string) {
    this.type = type;
  }
}

// The pickle calls these with `new`, so none of them may be an arrow function; what they return takes the place of the object.
function orderedDict(): Map<unknown, unknown> {
  return new Map();
}

function rebuildTensor(storage: PickledStorage, offset: number, shape: number[], strides: number[]): PickledTensor {
  return new PickledTensor(storage, offset, shape, strides);
}

function rebuildParameter(data: PickledTensor): PickledTensor {
  return data;
}

type Callable = (...args: never[]) => object;

/** The only names that a pickle may use. */
function resolveName(file: string, module: string, name: string, storages: Map<Callable, StorageName>): Callable {
  const full = `${module}.${name}`;
  if (full === "collections.OrderedDict") return orderedDict;
  if (full === "torch._utils._rebuild_tensor_v2") return rebuildTensor as Callable;
  if (full === "torch._utils._rebuild_parameter") return rebuildParameter as Callable;
  if (module === "torch" && name.endsWith("Storage")) {
    const marker: Callable = () => storages;
    storages.set(marker, new StorageName(name));
    return marker;
  }
  throw new DataError(`${file}: its pickle asks for ${full}; only tensors are read, and nothing is run`, REMEDY);
}

function parseStorage(file: string, id: unknown, storages: ReadonlyMap<Callable, StorageName>): PickledStorage {
  const [tag, marker, key, , size] = Array.isArray(id) ? (id as unknown[]) : [];
  const type = storages.get(marker as Callable)?.type;
  if (tag !== "storage" || type === undefined || typeof key !== "string" || typeof size !== "number") {
    throw new DataError(`${file}: a storage of its pickle cannot be read`, REMEDY);
  }
  return { key, type, size };
}

/** Pickles that follow each other in `bytes`. */
export class PickleReader {
  readonly #file: string;
  readonly #reader: BufferReader;
  readonly #parser: Parser;
  /** Storages that were named, by key. */
  readonly storages = new Map<string, PickledStorage>();

  constructor(file: string, bytes: Uint8Array, position = 0) {
    const types = new Map<Callable, StorageName>();
    this.#file = file;
    this.#reader = new BufferReader(bytes);
    this.#reader.skip(position);
    this.#parser = new Parser({
      nameResolver: { resolve: (module, name) => resolveName(file, module, name, types) as never },
      persistentResolver: {
        resolve: (id: unknown) => {
          const storage = parseStorage(file, id, types);
          this.storages.set(storage.key, storage);
          return storage;
        },
      },
      unpicklingTypeOfDictionary: "Map",
    });
  }

  /** Where the next pickle begins. */
  get position(): number {
    return this.#reader.position;
  }

  /**
   * Reads the next pickle.
   *
   * @throws {DataError} when it is damaged, or asks for anything but tensors.
   */
  next(): unknown {
    try {
      return this.#parser.read(this.#reader);
    } catch (error) {
      if (error instanceof DataError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new DataError(`${this.#file}: truncated or damaged pickle (${reason})`, "Copy or download it again.");
    }
  }
}

/**
 * The tensors of a state dict, also one inside a dict of other things (`state_dict`, `model`).
 *
 * @throws {DataError} when there is no tensor.
 */
export function tensorsOf(file: string, pickled: unknown): Map<string, PickledTensor> {
  const tensors = new Map<string, PickledTensor>();
  if (pickled instanceof Map) {
    const inner: unknown = pickled.get("state_dict") ?? pickled.get("model");
    if (inner instanceof Map) return tensorsOf(file, inner);
    for (const [name, value] of pickled) {
      if (typeof name === "string" && value instanceof PickledTensor) tensors.set(name, checked(file, name, value));
    }
  }
  if (tensors.size > 0) return tensors;
  throw new DataError(`${file}: no state dict: it holds no named tensors`, REMEDY);
}

function checked(file: string, name: string, tensor: PickledTensor): PickledTensor {
  const { storage, offset, shape, strides } = tensor;
  const natural = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  const valid = natural(shape) && natural(strides) && shape.length === strides.length && natural([offset]);
  if (valid && typeof storage?.size === "number" && offset + elementSpan(tensor) <= storage.size) return tensor;
  throw new DataError(`${file}: tensor ${name} reaches past its storage`, "Copy or download it again.");
}

/** Elements from a tensor's first to its last, both included. */
export function elementSpan({ shape, strides }: Pick<PickledTensor, "shape" | "strides">): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((span, size, d) => span + (size - 1) * (strides[d] as number), 1);
}
