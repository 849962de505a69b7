// conv2d and conv2d-grad-input: implicit matrix product, by tiles in workgroup memory.
//
//   output[n, y, x, o] = bias[o] + sum over taps (j, i) and k < run of
//     source[n, y*step_y + base_y + j*tap_y, x*step_x + base_x + i*tap_x, k] * weight[j*weight_y + i*weight_x + k*weight_k + o*weight_column]
//
//   conv2d            source = input, step = stride, base = -padding, tap = dilation, PHASES = 1. Where dilation is 1 and there
//                     is one group, the taps of a kernel row are one run of KW * C elements.
//   conv2d-grad-input source = gradOutput. For each residue r of the input pixel by the stride, the taps that reach it, every
//                     next-th from `first`, form a correlation of step 1 with backward taps over the pixels r + PHASES * y.
//
// Shapes   source [images, SH, SW, SC]     weight HWIO     bias [O]     output [images, H, W, O]
// Layout   row-major, f32; SW * SC = line. What lies outside the source reads as 0.
// Mapping  one workgroup of 16 x 16 = one tile of (16 * TM) pixels x (16 * TN) channels, one invocation = TM x TN of them, 16 apart.
//          Tiles are numbered down the rows first; grid z = phases, then groups.
// Numerics accumulates in f32, order j -> i -> k; |error| <= taps * run * eps_f32 * sum|a b|.
// Gradient this kernel again (input), conv2d-grad-weight.wgsl (weight), reduce.wgsl (bias).
// Source   implicit GEMM, Chetlur et al. 2014 (arXiv:1410.0759). Same sums as conv2d-direct.wgsl and conv2d-grad-input-direct.wgsl,
//          with each loaded value used 16 TM or 16 TN times.

struct Dims {
  // Result: images, height, width, and channels of a group.
  images: u32,
  H: u32,
  W: u32,
  columns: u32,
  // Distance of the pixels of one phase: 1 forward, else the stride.
  phases_y: u32,
  phases_x: u32,
  // Source: height, elements of a line, channels.
  SH: u32,
  line: u32,
  SC: u32,
  // Pixel y of a phase reads the source at y * step + base + j * tap down, likewise across; base = (phase + shift - reach * first) / phases.
  step_y: u32,
  step_x: u32,
  shift_y: i32,
  shift_x: i32,
  reach_y: i32,
  reach_x: i32,
  tap_y: i32,
  tap_x: i32,
  // Taps of the kernel, and how far apart those of one phase are.
  taps_y: u32,
  taps_x: u32,
  next_y: u32,
  next_x: u32,
  // Consecutive source elements of one tap.
  run: u32,
  weight_y: u32,
  weight_x: u32,
  weight_k: u32,
  weight_column: u32,
  weight_group: u32,
  output_image: u32,
  output_y: u32,
  output_x: u32,
  has_bias: u32,
  // Whether relu follows.
  rectify: u32,
}

const TM = 4u;
const TN = 4u;
const TILE_K = 16u;
// k's written out in the loop over a tile.
const DEPTH = 4u;
// One more than a tile row, so that threads that store along k fall on different memory banks.
const SOURCE_ROW = 16u * TM + 1u;
const WEIGHT_ROW = 16u * TN + 1u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

var<workgroup> source_tile: array<f32, TILE_K * SOURCE_ROW>;
var<workgroup> weight_tile: array<f32, TILE_K * WEIGHT_ROW>;

// The taps of one axis that reach a phase.
struct Taps {
  first: u32,
  count: u32,
  base: i32,
}

fn taps_of(phase: u32, phases: u32, shift: i32, reach: i32, taps: u32, next: u32) -> Taps {
  let start = i32(phase) + shift;
  // If there is none among the first `next`, there is none at all.
  let end = min(next, taps);
  var first = 0u;
  while (first < end && (start - i32(first) * reach) % i32(phases) != 0) { first++; }
  let count = select((taps - first + next - 1u) / next, 0u, first == end);
  return Taps(first, count, (start - i32(first) * reach) / i32(phases));
}

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

// As the elementwise relu, to the bit.
fn finish(v: f32) -> f32 {
  return select(v, select(max(v, 0.0), v, is_nan(v)), dims.rectify != 0u);
}

@compute @workgroup_size(256)
fn conv2d(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let phases = dims.phases_y * dims.phases_x;
  let channel_group = group.z / phases;
  let phase_y = group.z % phases / dims.phases_x;
  let phase_x = group.z % dims.phases_x;
  let PH = (dims.H - phase_y + dims.phases_y - 1u) / dims.phases_y;
  let PW = (dims.W - phase_x + dims.phases_x - 1u) / dims.phases_x;
  let rows = dims.images * PH * PW;
  let tile = group.y * groups.x + group.x;
  let row_tiles = (rows + 16u * TM - 1u) / (16u * TM);
  let first_row = (tile % row_tiles) * 16u * TM;
  let first_column = (tile / row_tiles) * 16u * TN;
  if (rows == 0u || first_column >= dims.columns) { return; }
  let down_taps = taps_of(phase_y, dims.phases_y, dims.shift_y, dims.reach_y, dims.taps_y, dims.next_y);
  let across_taps = taps_of(phase_x, dims.phases_x, dims.shift_x, dims.reach_x, dims.taps_x, dims.next_x);
  let first_tap = down_taps.first * dims.weight_y + across_taps.first * dims.weight_x;
  let weight_y = dims.next_y * dims.weight_y;
  let weight_x = dims.next_x * dims.weight_x;
  let high = thread / 16u;
  let low = thread % 16u;

  // This thread loads, and later stores, rows high, high + 16, ...; where their first tap lies, in lines and in elements.
  // Signed, as it may lie in the padding. Rows past the end repeat the last one and are not stored.
  var top: array<i32, TM>;
  var left: array<i32, TM>;
  var origin: array<i32, TM>;
  var place: array<u32, TM>;
  for (var part = 0u; part < TM; part++) { // unroll
    let row = min(first_row + part * 16u + high, rows - 1u);
    let x = row % PW;
    let y = (row / PW) % PH;
    let n = row / (PW * PH);
    top[part] = i32(y * dims.step_y) + down_taps.base;
    left[part] = (i32(x * dims.step_x) + across_taps.base) * i32(dims.SC) + i32(channel_group * dims.run);
    origin[part] = (i32(n * dims.SH) + top[part]) * i32(dims.line) + left[part];
    place[part] = n * dims.output_image + (y * dims.phases_y + phase_y) * dims.output_y
      + (x * dims.phases_x + phase_x) * dims.output_x;
  }
  let weight_start = first_tap + channel_group * dims.weight_group;
  let weight_along_k = dims.weight_k == 1u;

  var sums: array<f32, TM * TN>;
  let turns = down_taps.count * across_taps.count * ((dims.run + TILE_K - 1u) / TILE_K);
  var k = 0u;
  var i = 0u;
  var j = 0u;
  for (var turn = 0u; turn < turns; turn++) {
    let down = i32(j) * dims.tap_y;
    let across = i32(i) * dims.tap_x * i32(dims.SC) + i32(k + low);
    for (var part = 0u; part < TM; part++) { // unroll
      // As unsigned numbers, negative positions are beyond every end.
      let inside = u32(top[part] + down) < dims.SH && u32(left[part] + across) < dims.line && k + low < dims.run;
      let value = source[u32(origin[part] + down * i32(dims.line) + across)];
      source_tile[low * SOURCE_ROW + part * 16u + high] = select(0.0, value, inside);
    }
    let weight_tap = weight_start + j * weight_y + i * weight_x;
    for (var part = 0u; part < TN; part++) { // unroll
      let item = part * 256u + thread;
      let tile_k = select(item / (16u * TN), low, weight_along_k);
      let tile_column = select(item % (16u * TN), part * 16u + high, weight_along_k);
      let inside = k + tile_k < dims.run && first_column + tile_column < dims.columns;
      let value = weight[weight_tap + (k + tile_k) * dims.weight_k + (first_column + tile_column) * dims.weight_column];
      weight_tile[tile_k * WEIGHT_ROW + tile_column] = select(0.0, value, inside);
    }
    workgroupBarrier();
    let steps = min(TILE_K, dims.run - k);
    for (var first = 0u; first < steps; first += DEPTH) {
      for (var part = 0u; part < DEPTH; part++) { // unroll
        let step = first + part;
        var weights: array<f32, TN>;
        for (var c = 0u; c < TN; c++) { // unroll
          weights[c] = weight_tile[step * WEIGHT_ROW + c * 16u + low];
        }
        for (var r = 0u; r < TM; r++) { // unroll
          let value = source_tile[step * SOURCE_ROW + r * 16u + high];
          for (var c = 0u; c < TN; c++) { // unroll
            sums[r * TN + c] += value * weights[c];
          }
        }
      }
    }
    workgroupBarrier();
    k += TILE_K;
    let next_tap = k >= dims.run;
    k = select(k, 0u, next_tap);
    i += select(0u, 1u, next_tap);
    let next_line = i >= across_taps.count;
    i = select(i, 0u, next_line);
    j += select(0u, 1u, next_line);
  }

  for (var r = 0u; r < TM; r++) { // unroll
    for (var c = 0u; c < TN; c++) { // unroll
      let column = first_column + c * 16u + low;
      if (first_row + r * 16u + high < rows && column < dims.columns) {
        let o = channel_group * dims.columns + column;
        output[place[r] + o] = finish(sums[r * TN + c] + select(0.0, bias[o], dims.has_bias != 0u));
      }
    }
  }
}
