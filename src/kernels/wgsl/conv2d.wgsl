// conv2d and conv2d-grad-input: implicit matrix product, by tiles in workgroup memory.
//
//   output[row, o] = bias[o] + sum over taps (j, i) and k < run of
//     source[n, y*step_y + base_y + j*tap_y, x*step_x + base_x + i*tap_x, k] * weight[j*weight_y + i*weight_x + k*weight_k + o*weight_column]
//
//   conv2d            source = input, step = stride, base = -padding, tap = dilation. Where dilation is 1 and there is one
//                     group, the taps of a kernel row are one run of KW * C elements.
//   conv2d-grad-input source = gradOutput. For each residue of the input pixel by the stride, the taps that reach it form a
//                     correlation of step 1 with backward taps: one dispatch for each of the stride_y * stride_x residues.
//
// Shapes   source [images, SH, SW, SC]     weight HWIO     bias [O]     output: rows at any strides, O channels next to each other
// Layout   row-major, f32; SW * SC = line. What lies outside the source reads as 0.
// Mapping  one workgroup of 16 x 16 = one tile of (16 * TM) pixels x (16 * TN) channels, one invocation = TM x TN of them, 16 apart.
//          Tiles are numbered down the rows first; grid z = groups.
// Numerics accumulates in f32, order j -> i -> k; |error| <= taps * run * eps_f32 * sum|a b|.
// Gradient this kernel again (input), conv2d-grad-weight.wgsl (weight), reduce.wgsl (bias).
// Source   implicit GEMM, Chetlur et al. 2014 (arXiv:1410.0759). Same sums as conv2d-direct.wgsl and conv2d-grad-input-direct.wgsl,
//          with each loaded value used 16 TM or 16 TN times.

struct Dims {
  // Rows of the product: pixels of the result, as images x PH x PW. Columns: result channels of a group.
  rows: u32,
  PH: u32,
  PW: u32,
  columns: u32,
  // Source: height, elements of a line, channels.
  SH: u32,
  line: u32,
  SC: u32,
  // Result pixel (y, x) and tap (j, i) read the source at (y * step + base + j * tap) down, likewise across.
  step_y: u32,
  step_x: u32,
  base_y: i32,
  base_x: i32,
  taps_y: u32,
  taps_x: u32,
  tap_y: i32,
  tap_x: i32,
  // Consecutive source elements of one tap.
  run: u32,
  weight_offset: u32,
  weight_y: u32,
  weight_x: u32,
  weight_k: u32,
  weight_column: u32,
  weight_group: u32,
  output_offset: u32,
  output_image: u32,
  output_y: u32,
  output_x: u32,
  has_bias: u32,
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

@compute @workgroup_size(256)
fn conv2d(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let tile = group.y * groups.x + group.x;
  let row_tiles = (dims.rows + 16u * TM - 1u) / (16u * TM);
  let first_row = (tile % row_tiles) * 16u * TM;
  let first_column = (tile / row_tiles) * 16u * TN;
  if (first_column >= dims.columns) { return; }
  let high = thread / 16u;
  let low = thread % 16u;

  // This thread loads, and later stores, rows high, high + 16, ...; where their first tap lies, in lines and in elements.
  // Signed, as it may lie in the padding. Rows past the end repeat the last one and are not stored.
  var top: array<i32, TM>;
  var left: array<i32, TM>;
  var origin: array<i32, TM>;
  var place: array<u32, TM>;
  for (var part = 0u; part < TM; part++) { // unroll
    let row = min(first_row + part * 16u + high, dims.rows - 1u);
    let x = row % dims.PW;
    let y = (row / dims.PW) % dims.PH;
    let n = row / (dims.PW * dims.PH);
    top[part] = i32(y * dims.step_y) + dims.base_y;
    left[part] = (i32(x * dims.step_x) + dims.base_x) * i32(dims.SC) + i32(group.z * dims.run);
    origin[part] = (i32(n * dims.SH) + top[part]) * i32(dims.line) + left[part];
    place[part] = dims.output_offset + n * dims.output_image + y * dims.output_y + x * dims.output_x;
  }
  let weight_start = dims.weight_offset + group.z * dims.weight_group;
  let weight_along_k = dims.weight_k == 1u;

  var sums: array<f32, TM * TN>;
  let turns = dims.taps_y * dims.taps_x * ((dims.run + TILE_K - 1u) / TILE_K);
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
    let weight_tap = weight_start + j * dims.weight_y + i * dims.weight_x;
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
    let next_line = i >= dims.taps_x;
    i = select(i, 0u, next_line);
    j += select(0u, 1u, next_line);
  }

  for (var r = 0u; r < TM; r++) { // unroll
    for (var c = 0u; c < TN; c++) { // unroll
      let column = first_column + c * 16u + low;
      if (first_row + r * 16u + high < dims.rows && column < dims.columns) {
        let o = group.z * dims.columns + column;
        output[place[r] + o] = sums[r * TN + c] + select(0.0, bias[o], dims.has_bias != 0u);
      }
    }
  }
}
