/** Measured choices of tiles as values that can be kept: what makes one fit a device. */
import type { Device } from "./device.js";
import { lanesToUse } from "./gemm.js";
import {
  type GemmFamily,
  gemmFamilies,
  setTiles,
  type Tile,
  type TileWidth,
  tileCandidates,
  tileKey,
  tileWidths,
} from "./tiles.js";

/** The measured choices of one adapter, as plain values that JSON holds. Made by `tune`, taken by `useTuning`. */
export interface Tuning {
  readonly version: 1;
  /** The adapter that was measured. */
  readonly adapter: string;
  /** By kernel and width of the result: the constants of the tile. */
  readonly tiles: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** The text by which a tuning belongs to an adapter. */
export function adapterKey({ adapter }: Device): string {
  return [adapter.vendor, adapter.architecture, adapter.name].join(" | ");
}

const sameTile = (a: object, b: object) =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());

/**
 * Uses the choices that `tune` found on an earlier device of the same adapter. In a page, keep the tuning as JSON and call this after
 * `openDevice`; under Node `openDevice` does it by itself with what `voxpix doctor --tune` has kept. No bit of any result changes.
 *
 * @returns `null`, or why the tuning was ignored as a whole: another adapter or version, or a tile that is no candidate.
 */
export function useTuning(device: Device, tuning: unknown): string | null {
  if (typeof tuning !== "object" || tuning === null) return "it is no object";
  const { version, adapter, tiles } = tuning as Partial<Record<keyof Tuning, unknown>>;
  if (version !== 1) return `its version is ${JSON.stringify(version)}, not 1`;
  if (adapter !== adapterKey(device)) return `it was measured on ${JSON.stringify(adapter)}`;
  if (typeof tiles !== "object" || tiles === null) return "it has no tiles";
  const given = new Map<string, unknown>(Object.entries(tiles));
  const known = new Map<string, Tile>();
  for (const { key, candidates } of tileClasses(device)) {
    const tile = given.get(key);
    if (tile === undefined) continue;
    const found = candidates.find(
      (candidate) => typeof tile === "object" && tile !== null && sameTile(candidate, tile),
    );
    if (!found) return `its ${key} is ${JSON.stringify(tile)}, which is no choice here`;
    known.set(key, found);
  }
  setTiles(device, known);
  return null;
}

/** A kernel and width, with the tiles to choose from. */
export interface TileClass {
  readonly key: string;
  readonly family: GemmFamily;
  readonly width: TileWidth;
  readonly candidates: readonly Tile[];
}

/** All that is chosen on a device. */
export function tileClasses(device: Device): TileClass[] {
  const lanes = lanesToUse(device);
  return gemmFamilies.flatMap((family) =>
    tileWidths.map((width) => ({
      ...{ key: tileKey(family, lanes, width), family, width },
      candidates: tileCandidates(device, family, lanes, width),
    })),
  );
}
