/** Arguments as plain JavaScript gives them: the checks that the compiler makes for TypeScript, made again when the program runs. */
import { ShapeError } from "../kernels/errors.js";

/** What an option may be. `"any"`: its op looks at it, and whether it is there, more closely than can be said here. */
export type Kind = keyof typeof rules;

type KeysOf<Options> = Options extends unknown ? keyof Options & string : never;
type IsOptional<Options, K extends string> = K extends keyof Options
  ? object extends Pick<Options, K>
    ? true
    : false
  : true;

/** The kind of every option; with a trailing `?` where it may be left out. The compiler demands one for each, and no other. */
export type Kinds<Options extends object> = {
  readonly [K in KeysOf<Options>]: IsOptional<Options, K> extends true ? `${Kind}?` : Kind;
};

/** An array or typed array: what has numbered elements. */
export const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

const isNumber = (value: unknown) => typeof value === "number";
// A hole of a sparse array is an element that is no number.
const isNumbers = (value: unknown) => isList(value) && Array.from(value).every(isNumber);

const isTwo = (value: unknown, holds: (own: unknown) => boolean) =>
  isList(value) && value.length === 2 && holds(value[0]) && holds(value[1]);
const isSides = (value: unknown) => isTwo(value, isNumber) || isTwo(value, (side) => isTwo(side, isNumber));
const has = (value: unknown, ...names: readonly string[]) =>
  typeof value === "object" && value !== null && names.every((name) => name in value);
const isTensor = (value: unknown) => has(value, "storage");
const isWhole = (value: unknown, least: number) => Number.isInteger(value) && (value as number) >= least;
const isSizes = (value: unknown) => isList(value) && Array.from(value).every((own) => isWhole(own, 0));

const rules = {
  any: ["anything", () => true],
  number: ["a number", isNumber],
  finite: ["a finite number", Number.isFinite],
  count: ["a whole number >= 0", (value: unknown) => isWhole(value, 0)],
  size: ["a whole number >= 1", (value: unknown) => isWhole(value, 1)],
  sizes: ["a whole number >= 0, or a list of them", (value: unknown) => isWhole(value, 0) || isSizes(value)],
  boolean: ["true or false", (value: unknown) => typeof value === "boolean"],
  string: ["a string", (value: unknown) => typeof value === "string"],
  function: ["a function", (value: unknown) => typeof value === "function"],
  tensor: ["a tensor", isTensor],
  tensors: ["a list of tensors", (value: unknown) => isList(value) && Array.from(value).every(isTensor)],
  object: ["an object", (value: unknown) => typeof value === "object" && value !== null && !isList(value)],
  list: ["a list", isList],
  map: ["a map", (value: unknown) => has(value, "get", "entries")],
  rng: ["a generator, such as device.rng(0)", (value: unknown) => has(value, "take", "fork")],
  module: ["a module", (value: unknown) => has(value, "stateDict", "namedParameters")],
  numbers: ["a list of numbers", isNumbers],
  two: ["two numbers", (value: unknown) => isTwo(value, isNumber)],
  axes: ["an axis, or a list of axes", (value: unknown) => isNumber(value) || isNumbers(value)],
  places: [
    "a list of whole numbers or null",
    (value: unknown) => isList(value) && Array.from(value).every((own) => own === null || isNumber(own)),
  ],
  pair: ["a number, or two of them", (value: unknown) => isNumber(value) || isTwo(value, isNumber)],
  padding: [
    'a number, [rows, columns], [[top, bottom], [left, right]], "same" or "valid"',
    (value: unknown) => isNumber(value) || value === "same" || value === "valid" || isSides(value),
  ],
  span: [
    'a number, [before, after], "same" or "valid"',
    (value: unknown) => isNumber(value) || value === "same" || value === "valid" || isTwo(value, isNumber),
  ],
} as const satisfies Record<string, readonly [string, (value: unknown) => boolean]>;

/** A value as an error prints it: short, whatever it is. */
export function show(value: unknown, depth = 0): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (isList(value) && depth < 3) {
    const shown = Array.from({ length: Math.min(value.length, 8) }, (_, i) => show(value[i], depth + 1));
    return `[${shown.join(", ")}${value.length > 8 ? ", ..." : ""}]`;
  }
  if (typeof value !== "object" || value === null) return String(value);
  if (isTensor(value)) return "a tensor";
  if (!isPlain(value)) return `a ${(value.constructor as { name?: string } | undefined)?.name ?? "object"}`;
  return depth > 0 ? "an object" : `{ ${Object.keys(value).join(", ")} }`.replace("  ", "");
}

/** How many letters have to change to make one word of the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** The option that was most likely meant: `kernel_size` is `kernelSize`, `strides` is `stride`. */
function nearest(name: string, known: readonly string[]): string | null {
  const bare = (text: string) => text.replaceAll("_", "").toLowerCase();
  const [best] = known
    .map((own) => ({ own, far: distance(bare(name), bare(own)) }))
    .sort((a, b) => a.far - b.far)
    .filter(({ own, far }) => far <= Math.max(1, own.length / 3));
  return best?.own ?? null;
}

function refuseUnknown(op: string, name: string, known: readonly string[]): never {
  const near = nearest(name, known);
  const rule = known.length === 0 ? "takes no options" : `options are ${known.join(", ")}`;
  throw new ShapeError(`${op}: ${rule}, got ${name}${near === null ? "" : `; did you mean ${near}?`}`);
}

/** True for what `{}` makes, in whatever realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** @throws {ShapeError} unless options are an object, of a class or not, or left out. */
function checkObject(op: string, given: unknown, names: readonly string[]): void {
  if (given === undefined) return;
  const isObject = typeof given === "object" && given !== null && !isList(given) && !isTensor(given);
  if (isObject && (isPlain(given) || Object.keys(given).length > 0)) return;
  const like = names.length > 0 ? `, such as { ${names[0]} }` : "";
  throw new ShapeError(`${op}: options must be an object${like}, got ${show(given)}`);
}

/** @throws {ShapeError} unless an argument is what it may be. */
export function checkKind(op: string, name: string, value: unknown, kind: Kind): void {
  const [rule, holds] = rules[kind];
  if (!holds(value)) throw new ShapeError(`${op}: ${name} must be ${rule}, got ${show(value)}`);
}

/**
 * The options of a call, once each is known and of its kind, and none that must be given is missing.
 *
 * @param given - What stands in the place of the options; `undefined` where nothing does.
 * @throws {ShapeError} when they are no object, or an option is unknown, missing or of another kind.
 */
export function readOptions<Options extends object>(
  op: string,
  given: Options | undefined,
  kinds: Kinds<Options>,
): Options {
  const all = kinds as Readonly<Record<string, string>>;
  // What takes no options goes into map() and reduce(), which hand on an index too.
  if (typeof given === "number" && Object.keys(all).length === 0) return {} as Options;
  checkObject(op, given, Object.keys(all));
  const options = (given ?? {}) as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(options)) if (!Object.hasOwn(all, name)) refuseUnknown(op, name, Object.keys(all));
  for (const name of Object.keys(all)) {
    const text = all[name] as string;
    const value = options[name];
    const optional = text.endsWith("?");
    if (value === undefined && (optional || text === "any")) continue;
    checkKind(op, name, value, (optional ? text.slice(0, -1) : text) as Kind);
  }
  return options as Options;
}

/**
 * The options of a call over their defaults, each known and of its kind. What is `undefined` is left out.
 *
 * @param defaults - Of all options that need not be given.
 * @throws {ShapeError} as `readOptions`.
 */
export function completeOptions<Options extends object>(
  op: string,
  given: Partial<Options> | undefined,
  defaults: Partial<Options>,
  kinds: Kinds<Options>,
): Options {
  checkObject(op, given, Object.keys(kinds));
  const own = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return readOptions<Options>(op, { ...defaults, ...Object.fromEntries(own) } as Options, kinds);
}

/** @throws {ShapeError} unless `value` is one of `choices`. */
export function checkChoice(op: string, name: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  throw new ShapeError(
    `${op}: ${name} must be ${choices.map((choice) => `"${choice}"`).join(" or ")}, got ${show(value)}`,
  );
}

/** @throws {ShapeError} unless `value`, which is added to a variance, is a finite number >= 0. */
export function checkEps(op: string, value: number): void {
  if (value >= 0 && value < Number.POSITIVE_INFINITY) return;
  throw new ShapeError(`${op}: eps must be a finite number >= 0, got ${value}`);
}
