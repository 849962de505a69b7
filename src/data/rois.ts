/** Choosing voxels by region of interest, in the words of the recording's own metadata. */
import type { RawDataset, Region } from "./dataset.js";
import { DataError } from "./errors.js";
import { selectColumns } from "./normalise.js";

interface Token {
  readonly kind: "operator" | "region";
  readonly text: string;
  readonly voxels: readonly number[];
}

const plain = (name: string) => name.replace(/^ROI_/i, "").toLowerCase();

/** The regions a recording names, with their sizes, for messages. */
export function describeRegions(regions: readonly Region[]): string {
  return regions.map(({ name, voxels }) => `${name} ${voxels.length}`).join(", ");
}

function unknown(text: string, choice: string, regions: readonly Region[]): DataError {
  return new DataError(
    `--roi ${choice}: there is no region ${text}, the recording has ${describeRegions(regions) || "none"}`,
    "Name one or more of these, joined by + (both), & (shared) or - (without); or /pattern/; or all.",
  );
}

/** Splits a choice at +, & and -, but not inside a name that holds one of them, nor in a pattern. */
function tokens(choice: string, regions: readonly Region[], count: number): Token[] {
  const all = Array.from({ length: count }, (_, v) => v);
  const longestFirst = [...regions].sort((a, b) => b.name.length - a.name.length);
  const found: Token[] = [];
  for (let rest = choice.trim(); rest !== ""; ) {
    const pattern = /^\/((?:[^/\\]|\\.)+)\/(i?)/.exec(rest);
    const region = longestFirst.find(({ name }) => nameLength(rest, name) > 0);
    let taken = rest.slice(0, 1);
    if (pattern !== null) {
      taken = pattern[0];
      found.push({ kind: "region", text: taken, voxels: matching(pattern, choice, regions) });
    } else if (region !== undefined) {
      taken = rest.slice(0, nameLength(rest, region.name));
      found.push({ kind: "region", text: region.name, voxels: region.voxels });
    } else if (/^all\b/i.test(rest)) {
      taken = rest.slice(0, 3);
      found.push({ kind: "region", text: "all", voxels: all });
    } else if (/^[+&-]/.test(rest)) {
      found.push({ kind: "operator", text: taken, voxels: [] });
    } else {
      throw unknown(/^[^+&\s]+/.exec(rest)?.[0] ?? rest, choice, regions);
    }
    rest = rest.slice(taken.length).trimStart();
  }
  return found;
}

/** How much of `text` is a region's name, written with or without ROI_; 0 when it begins with something else. */
function nameLength(text: string, name: string): number {
  const prefix = /^ROI_/i.exec(text)?.[0].length ?? 0;
  const [rest, bare] = [text.slice(prefix).toLowerCase(), plain(name)];
  return rest.startsWith(bare) && /^([+&\s-]|$)/.test(rest.slice(bare.length)) ? prefix + bare.length : 0;
}

function matching(pattern: RegExpExecArray, choice: string, regions: readonly Region[]): number[] {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern[1] ?? "", pattern[2]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError(`--roi ${choice}: no valid pattern (${reason})`, "Write it as /V[1-4]/.");
  }
  const voxels = regions.flatMap(({ name, voxels: members }) => (expression.test(name) ? members : []));
  if (voxels.length === 0) throw unknown(pattern[0], choice, regions);
  return voxels;
}

/**
 * The voxels that a choice names: regions joined by `+` (both), `&` (shared) and `-` (without), worked from left to right;
 * `/pattern/` for all regions that match; `all`. Names may leave out `ROI_`, and upper case.
 *
 * @param count - Voxels of the recording.
 * @returns In ascending order, each once.
 * @throws {DataError} when a name is unknown, the choice is no such list, or no voxel is left.
 */
export function voxelsOfChoice(choice: string, regions: readonly Region[], count: number): number[] {
  const list = tokens(choice, regions, count);
  const alternating = list.length % 2 === 1 && list.every(({ kind }, i) => (kind === "region") === (i % 2 === 0));
  if (!alternating) {
    throw new DataError(`--roi ${choice}: not a list of regions`, "Join names by +, & or -, as in V1+V2 or VC-FFA.");
  }
  let chosen = new Set(list[0]?.voxels);
  for (let i = 1; i < list.length; i += 2) {
    const next = new Set(list[i + 1]?.voxels);
    const operator = list[i]?.text;
    if (operator === "+") chosen = new Set([...chosen, ...next]);
    else chosen = new Set([...chosen].filter((voxel) => next.has(voxel) === (operator === "&")));
  }
  if (chosen.size > 0) return [...chosen].sort((a, b) => a - b);
  throw new DataError(`--roi ${choice}: no voxel is left of ${describeRegions(regions)}`, "Choose other regions.");
}

/** The regions as columns of a selection: `indices[i]` is the old column of the new column i. */
export function reindexRegions(regions: readonly Region[], indices: readonly number[]): Region[] {
  const place = new Map(indices.map((old, i) => [old, i]));
  return regions.map(({ name, voxels }) => ({ name, voxels: voxels.flatMap((old) => place.get(old) ?? []) }));
}

/** The note of a choice; none when it is all voxels. */
export function roiNote(choice: string, chosen: number, count: number): string[] {
  return chosen === count ? [] : [`${chosen} of ${count} voxels: ${choice}`];
}

/**
 * The recordings with the voxels of some regions only, as {@link voxelsOfChoice}.
 *
 * @throws {DataError} as there, and when the recording names no regions.
 */
export function selectRois(raw: RawDataset, choice: string): RawDataset {
  const count = raw.responses[0]?.columns ?? 0;
  const regions = raw.regions ?? [];
  const voxels = voxelsOfChoice(choice, regions, count);
  if (voxels.length === count) return raw;
  return {
    ...raw,
    responses: raw.responses.map((matrix) => selectColumns(matrix, voxels)),
    regions: reindexRegions(regions, voxels),
    notes: [...raw.notes, ...roiNote(choice, voxels.length, count)],
  };
}
