/** Tiles of the matrix-product kernels: how much of the result one workgroup computes, and how many terms a turn of its loop adds. */
import type { Device } from "./device.js";
import { grid } from "./grid.js";

/** The kernels that have tiles, by op. */
export const gemmFamilies = ["matmul", "conv2d", "conv2d-grad-weight"] as const;
export type GemmFamily = (typeof gemmFamilies)[number];

/** Constants of the lane version: rows and columns of a tile in units of its lanes, and terms of one turn. */
export interface LaneTile {
  readonly STRIPS: number;
  readonly COLUMNS: number;
  readonly DEPTH: number;
}

/** Constants of the tile version: rows and columns of the result that one invocation computes, and terms written out. */
export interface GroupTile {
  readonly TM: number;
  readonly TN: number;
  readonly DEPTH: number;
}

export type Tile = LaneTile | GroupTile;

export const tileWidths = ["narrow", "wide"] as const;
/** Results of few columns are a class of their own: a tile half as wide holds all of them. */
export type TileWidth = (typeof tileWidths)[number];

const lane = (STRIPS: number, COLUMNS: number, DEPTH: number): LaneTile => ({ STRIPS, COLUMNS, DEPTH });
const group = (TM: number, TN: number, DEPTH: number): GroupTile => ({ TM, TN, DEPTH });

/** Of `candidates` the first is the built-in choice. Every one gives the same bits: an element's terms are added in the same order. */
export function tileCandidates(device: Device, family: GemmFamily, lanes: number | null, width: TileWidth): Tile[] {
  const wide = width === "wide";
  // Four lanes: SwiftShader, whose compiler takes longer for more rows than it gains.
  if (lanes === 4) return wide ? [lane(4, 4, 2), lane(4, 4, 1)] : [lane(4, 2, 2), lane(4, 2, 1)];
  if (lanes !== null) {
    const narrow = [lane(4, 2, 1), lane(2, 2, 2), lane(4, 2, 2), lane(6, 2, 1)];
    if (!wide) return family === "matmul" ? [lane(2, 2, 2), lane(4, 2, 1), lane(4, 2, 2)] : narrow;
    // Rows of a matrix a power of two apart share few cache lines: there two k's a turn use what one load brings.
    if (family === "matmul") return [lane(3, 4, 2), lane(2, 4, 2), lane(4, 4, 1), lane(4, 4, 2)];
    return [lane(4, 4, 1), lane(2, 4, 2), lane(3, 4, 1), lane(6, 4, 1)];
  }
  // How many terms are written out: software compiles longer than it gains.
  if (device.adapter.software) return wide ? [group(4, 4, 1), group(4, 4, 4)] : [group(4, 1, 1), group(4, 1, 4)];
  if (!wide) return [group(4, 1, 4), group(2, 1, 4), group(8, 1, 4), group(4, 1, 16)];
  return [group(4, 4, 4), group(4, 4, 16), group(2, 4, 4), group(2, 2, 4), group(8, 4, 4)];
}

const measured = new WeakMap<Device, Map<string, Tile>>();

/** The name under which a measured choice is kept. */
export const tileKey = (family: GemmFamily, lanes: number | null, width: TileWidth): string =>
  `${family} ${lanes === null ? "tile" : `lane ${lanes}`} ${width}`;

/** Sets the measured choices of a device; what has none runs with the built-in one. */
export function setTiles(device: Device, tiles: ReadonlyMap<string, Tile>): void {
  measured.set(device, new Map(tiles));
}

/** The measured choices of a device. */
export const tilesOf = (device: Device): ReadonlyMap<string, Tile> => measured.get(device) ?? new Map();

function chosen(device: Device, family: GemmFamily, lanes: number | null, columns: number): Tile {
  const width = columns <= (lanes === null ? 16 : 2 * lanes) ? "narrow" : "wide";
  const tile = tilesOf(device).get(tileKey(family, lanes, width));
  return tile ?? (tileCandidates(device, family, lanes, width)[0] as Tile);
}

/** Constants of a kernel's lane version and workgroups along x and y, for a product of `rows` x `columns`. */
export function laneTiles(device: Device, family: GemmFamily, lanes: number, rows: number, columns: number) {
  const best = chosen(device, family, lanes, columns) as LaneTile;
  const { STRIPS, COLUMNS, DEPTH } = fewerRows(best, Math.ceil(rows / lanes), lanes);
  const [x, y] = grid(Math.ceil(rows / (STRIPS * lanes)) * Math.ceil(columns / (COLUMNS * lanes)), 1);
  return { constants: { LANES: lanes, STRIPS, COLUMNS, DEPTH }, groups: [x, y] as const };
}

/** Most rows that a tile may compute in vain, as a multiple of those of a small tile. */
const mostWaste = 1.2;

/** The tile, or one of fewer rows where much of it would be empty; `strips` are the rows in units of the lanes. */
function fewerRows(best: LaneTile, strips: number, lanes: number): LaneTile {
  const { COLUMNS } = best;
  if (strips <= 1) return lane(1, COLUMNS, 2);
  const small = 16 / lanes;
  const covered = (size: number) => Math.ceil(strips / size) * size;
  return covered(best.STRIPS) > mostWaste * covered(small) ? lane(small, COLUMNS, 2) : best;
}

/** Constants of a kernel's tile version and workgroups along x and y, for a product of `rows` x `columns`. */
export function groupTiles(device: Device, family: GemmFamily, rows: number, columns: number) {
  const best = chosen(device, family, null, columns) as GroupTile;
  // Sixteen rows are one an invocation; then the columns are worth four each, however few they are.
  const few = rows <= 16;
  const { TM, TN, DEPTH } = few ? group(1, 4, best.DEPTH) : best;
  const [x, y] = grid(Math.ceil(rows / (16 * TM)) * Math.ceil(columns / (16 * TN)), 1);
  return { constants: { TM, TN, DEPTH }, groups: [x, y] as const };
}
