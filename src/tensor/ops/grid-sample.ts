/** Images read at any positions, and grids of such positions: made of other ops, so that every gradient is theirs. */
import { ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { checkChoice } from "../options.js";
import { type Pair, pair } from "../pair.js";
import { describeShapes, formatShape, rank4, sameShape } from "../shape.js";
import { constant, full, type Tensor } from "../tensor.js";
import { hardtanh } from "./activations.js";
import { cast } from "./cast.js";
import { clamp } from "./clamp.js";
import { concat } from "./concat.js";
import { cumSum } from "./cumulative.js";
import {
  abs,
  add,
  equal,
  floor,
  fmod,
  greaterEqual,
  lessEqual,
  mul,
  remainder,
  round,
  sign,
  sub,
  where,
} from "./elementwise.js";
import { take } from "./gather.js";
import { logicalAnd } from "./logic.js";
import { matmul } from "./matmul.js";
import { reshape } from "./reshape.js";
import { slice } from "./slice.js";
import { broadcastTo } from "./sum.js";

/** Options of `gridSample`. */
export interface GridSampleOptions {
  /** Default `"bilinear"`. */
  readonly mode?: "bilinear" | "nearest";
  /** What lies outside: zeros, the nearest pixel of the edge, or the image mirrored at its edges. Default `"zeros"`. */
  readonly paddingMode?: "zeros" | "border" | "reflection";
  /** -1 and 1 are the centres of the corner pixels, not their outer corners. Default false. */
  readonly alignCorners?: boolean;
}

type Settings = Required<GridSampleOptions>;

/** A coordinate in pixels mirrored at both edges until it lies between them. */
function reflected(at: Tensor, low: number, span: number): Tensor {
  if (span === 0) return mul(at, 0);
  const distance = abs(sub(at, low));
  const rest = fmod(distance, span);
  const odd = equal(remainder(floor(mul(distance, 1 / span)), 2), constant(at.device, 1));
  return add(where(odd, sub(span, rest), rest), low);
}

/** Positions in [-1, 1] along an axis in pixels, moved into the image where the padding says so. */
function pixelsOf(grid: Tensor, size: number, { paddingMode, alignCorners }: Settings): Tensor {
  const scale = alignCorners ? (size - 1) / 2 : size / 2;
  const at = add(mul(grid, scale), (size - 1) / 2);
  if (paddingMode === "zeros") return at;
  const [low, span] = alignCorners ? [0, size - 1] : [-0.5, size];
  const inside = paddingMode === "reflection" ? reflected(at, low, span) : at;
  // The gradient at the edge itself is 0, as in PyTorch.
  return hardtanh(inside, { min: 0, max: size - 1 });
}

/** The pixels at whole rows `y` and columns `x`, `[N, P]`, as `[N, P, C]`; `outside` where there is none. */
function pixelsAt(
  { rows, first, outside }: { rows: Tensor; first: Tensor; outside: Tensor },
  [N, H, W]: readonly number[],
  y: Tensor,
  x: Tensor,
): Tensor {
  const { device } = rows;
  const between = (t: Tensor, size: number) =>
    logicalAnd(greaterEqual(t, constant(device, 0)), lessEqual(t, constant(device, size - 1)));
  const whole = (t: Tensor, size: number) => cast(clamp(t.detach(), { min: 0, max: size - 1 }), "i32");
  const place = add(first, add(mul(whole(y, H as number), W as number), whole(x, W as number)));
  const inside = reshape(logicalAnd(between(y, H as number), between(x, W as number)), { shape: [...y.shape, 1] });
  const found = take(rows, place, { axis: 0 });
  return N === 0 ? found : where(inside, found, outside);
}

/** `0, 1, 2, ...`, made on the GPU, so that a captured step may make it. */
const counting = (x: Tensor, count: number, step = 1): Tensor =>
  cumSum(full(x.device, [count], step, { dtype: "i32" }), { axis: 0, exclusive: true });

function check(x: Tensor, grid: Tensor): readonly [number, number, number, number] {
  const shape = rank4("gridSample", "x", x.shape);
  const [N, H, W] = shape;
  const lines = describeShapes([
    ["x", x.shape, "NHWC"],
    ["grid", grid.shape],
  ]);
  if (grid.rank !== 4 || grid.shape[0] !== N || grid.shape[3] !== 2)
    throw new ShapeError(
      `gridSample: grid must be [N, OH, OW, 2] with the images' N = ${N}, got ${formatShape(grid.shape)}${lines}`,
    );
  if (H === 0 || W === 0) throw new ShapeError(`gridSample: x must have pixels, got ${H} x ${W}${lines}`);
  return shape;
}

/**
 * Images read at the positions of a grid, between pixels too. `y[n,i,j,:] = x[n, at grid[n,i,j], :]`
 *
 * A position is (x, y) with -1 at the left and upper edge of the image and 1 at the right and lower one. With `"bilinear"` the four
 * pixels around it are weighed by distance; the gradient reaches the grid too. Where it reaches the images it is added up in a
 * fixed order.
 *
 * @param x - NHWC `[N, H, W, C]`, f32.
 * @param grid - `[N, OH, OW, 2]`, f32: x, then y.
 * @param options - `mode` `"bilinear"`, `paddingMode` `"zeros"`, `alignCorners` false.
 * @returns NHWC `[N, OH, OW, C]`.
 * @throws {ShapeError} when `x` has not 4 axes or no pixels, or the grid does not fit it.
 * @see Jaderberg et al. 2015, arXiv:1506.02025; `torch.nn.functional.grid_sample`, channels last.
 */
export function gridSample(x: Tensor, grid: Tensor, options: GridSampleOptions = {}): Tensor {
  const kinds = { mode: "any?", paddingMode: "any?", alignCorners: "boolean?" } as const;
  const given = checkCall("gridSample", { x, grid }, options, kinds);
  const { mode = "bilinear", paddingMode = "zeros", alignCorners = false } = given;
  checkChoice("gridSample", "mode", mode, ["bilinear", "nearest"]);
  checkChoice("gridSample", "paddingMode", paddingMode, ["zeros", "border", "reflection"]);
  const [N, H, W, C] = check(x, grid);
  if (x.dtype === "f16" || grid.dtype === "f16") {
    const y = gridSample(cast(x, "f32"), cast(grid, "f32"), options);
    return x.dtype === grid.dtype ? cast(y, "f16") : y;
  }
  const [, OH, OW] = grid.shape as [number, number, number];
  const along = (i: 0 | 1) =>
    reshape(slice(grid, { start: [0, 0, 0, i], end: [N, OH, OW, i + 1] }), { shape: [N, OH * OW] });
  const settings = { mode, paddingMode, alignCorners };
  const [u, v] = [pixelsOf(along(0), W, settings), pixelsOf(along(1), H, settings)];
  const rows = reshape(x, { shape: [N * H * W, C] });
  const first = reshape(counting(x, N, H * W), { shape: [N, 1] });
  // The gradient of a sign is 0, and so is that of a grid of whole pixels.
  const nothing = () => reshape(mul(sign(add(u, v)), 0), { shape: [N, OH * OW, 1] });
  const outside = mode === "nearest" ? nothing() : constant(x.device, 0);
  const read = (y: Tensor, column: Tensor) => pixelsAt({ rows, first, outside }, [N, H, W], y, column);
  const y = mode === "nearest" ? read(round(v), round(u)) : blended(u, v, read);
  return reshape(y, { shape: [N, OH, OW, C] });
}

/** The four pixels around each position, weighed by distance. */
function blended(u: Tensor, v: Tensor, read: (y: Tensor, x: Tensor) => Tensor): Tensor {
  const [left, top] = [floor(u), floor(v)];
  const channel = (t: Tensor) => reshape(t, { shape: [...t.shape, 1] });
  const [right, bottom] = [channel(sub(u, left)), channel(sub(v, top))];
  const row = (y: Tensor) => add(mul(read(y, left), sub(1, right)), mul(read(y, add(left, 1)), right));
  return add(mul(row(top), sub(1, bottom)), mul(row(add(top, 1)), bottom));
}

/** Options of `affineGrid`. */
export interface AffineGridOptions {
  /** Height and width of the grid, or one number for both. */
  readonly size: Pair;
  /** As in `gridSample`. Default false. */
  readonly alignCorners?: boolean;
}

/**
 * The positions of `gridSample` that map an image by an affine transformation. `grid[n,i,j] = theta[n] (x_j, y_i, 1)`
 *
 * @param theta - `[N, 2, 3]`, f32: rows of the transformation from positions in the result to those in the image.
 * @param options - `size` `[OH, OW]`, `alignCorners` false.
 * @returns `[N, OH, OW, 2]`.
 * @throws {ShapeError} when `theta` is not [N, 2, 3], or a size is not whole and positive.
 * @see `torch.nn.functional.affine_grid`.
 */
export function affineGrid(theta: Tensor, options: AffineGridOptions): Tensor {
  const kinds = { size: "pair", alignCorners: "boolean?" } as const;
  const { size, alignCorners = false } = checkCall("affineGrid", { theta }, options, kinds);
  if (theta.rank !== 3 || !sameShape(theta.shape.slice(1), [2, 3]))
    throw new ShapeError(`affineGrid: theta must be [N, 2, 3], got ${formatShape(theta.shape)}`);
  const [OH, OW] = pair("affineGrid", "size", size, 1);
  if (theta.dtype === "f16") return cast(affineGrid(cast(theta, "f32"), options), "f16");
  const N = theta.shape[0] as number;
  const positions = (count: number) => {
    // Whole numbers before one division: the middle is exactly 0.
    const last = alignCorners ? Math.max(count - 1, 1) : count;
    const doubled = sub(cast(counting(theta, count, 2), "f32"), count - 1);
    return mul(doubled, 1 / last);
  };
  const xs = broadcastTo(reshape(positions(OW), { shape: [1, OW, 1] }), { shape: [OH, OW, 1] });
  const ys = broadcastTo(reshape(positions(OH), { shape: [OH, 1, 1] }), { shape: [OH, OW, 1] });
  const points = reshape(concat([xs, ys, full(theta.device, [OH, OW, 1], 1)], { axis: 2 }), { shape: [OH * OW, 3] });
  const grid = matmul(points, theta, { transposeB: true });
  return reshape(grid, { shape: [N, OH, OW, 2] });
}
