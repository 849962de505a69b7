// conv2d and conv2d-grad-input, for adapters whose subgroups have one fixed size: implicit matrix product.
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
// Mapping  one workgroup = one subgroup of LANES lanes = one tile of ROWS pixels x (COLUMNS * LANES) channels. Lanes hold COLUMNS
//          channels each; lane i loads the source for row i and broadcasts it. Tiles go down the rows first; grid z = groups.
// Numerics accumulates in f32, order j -> i -> k; |error| <= taps * run * eps_f32 * sum|a b|.
// Gradient this kernel again (input), conv2d-grad-weight-lane.wgsl (weight), reduce.wgsl (bias).
// Source   Dumoulin & Visin 2016 (arXiv:1603.07285). Same sums as conv2d-direct.wgsl and conv2d-grad-input-direct.wgsl, ten times
//          faster on software Vulkan, which loads lane by lane: each loaded value is used ROWS or 4 * LANES times.

enable subgroups;

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

const LANES = 8u;
// Rows of a tile in units of LANES, columns of a tile in units of LANES.
const STRIPS = 2u;
const COLUMNS = 4u;
// k's of one turn of the loop.
const DEPTH = 2u;
const ROWS = STRIPS * LANES;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(LANES)
fn conv2d_lane(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tile = group.y * groups.x + group.x;
  let row_tiles = (dims.rows + ROWS - 1u) / ROWS;
  let first_row = (tile % row_tiles) * ROWS;
  let first_column = (tile / row_tiles) * COLUMNS * LANES;
  if (first_column >= dims.columns) { return; }

  // Where each row's first tap lies, in lines and in elements; signed, as it may lie in the padding. Rows and columns past the
  // end repeat the last one and are not stored.
  var top: array<i32, STRIPS>;
  var left: array<i32, STRIPS>;
  var origin: array<i32, STRIPS>;
  var place: array<u32, STRIPS>;
  for (var strip = 0u; strip < STRIPS; strip++) { // unroll
    let row = min(first_row + strip * LANES + lane, dims.rows - 1u);
    let x = row % dims.PW;
    let y = (row / dims.PW) % dims.PH;
    let n = row / (dims.PW * dims.PH);
    top[strip] = i32(y * dims.step_y) + dims.base_y;
    left[strip] = (i32(x * dims.step_x) + dims.base_x) * i32(dims.SC) + i32(group.z * dims.run);
    origin[strip] = (i32(n * dims.SH) + top[strip]) * i32(dims.line) + left[strip];
    place[strip] = dims.output_offset + n * dims.output_image + y * dims.output_y + x * dims.output_x;
  }
  var weight_start: array<u32, COLUMNS>;
  var shift: array<f32, COLUMNS>;
  for (var c = 0u; c < COLUMNS; c++) { // unroll
    let column = min(first_column + c * LANES + lane, dims.columns - 1u);
    weight_start[c] = dims.weight_offset + group.z * dims.weight_group + column * dims.weight_column;
    shift[c] = select(0.0, bias[group.z * dims.columns + column], dims.has_bias != 0u);
  }
  var sums: array<f32, ROWS * COLUMNS>;
  for (var row = 0u; row < ROWS; row++) { // unroll
    for (var c = 0u; c < COLUMNS; c++) { // unroll
      sums[row * COLUMNS + c] = shift[c];
    }
  }

  // One loop over (j, i, k), counted by hand: a division or a nested loop would cost as much as the sums.
  let turns = dims.taps_y * dims.taps_x * ((dims.run + DEPTH - 1u) / DEPTH);
  var k = 0u;
  var i = 0u;
  var j = 0u;
  for (var turn = 0u; turn < turns; turn++) {
    let down = i32(j) * dims.tap_y;
    let across = i32(i) * dims.tap_x * i32(dims.SC) + i32(k);
    let weight_tap = j * dims.weight_y + i * dims.weight_x;
    var source_lane: array<f32, STRIPS * DEPTH>;
    for (var strip = 0u; strip < STRIPS; strip++) { // unroll
      let start = origin[strip] + down * i32(dims.line) + across;
      // As unsigned numbers, negative positions are beyond every end.
      let inside = u32(top[strip] + down) < dims.SH;
      for (var step = 0u; step < DEPTH; step++) { // unroll
        let live = inside && u32(left[strip] + across + i32(step)) < dims.line && k + step < dims.run;
        source_lane[strip * DEPTH + step] = select(0.0, source[u32(start + i32(step))], live);
      }
    }
    for (var step = 0u; step < DEPTH; step++) { // unroll
      let weight_row = weight_tap + min(k + step, dims.run - 1u) * dims.weight_k;
      var weight_lane: array<f32, COLUMNS>;
      for (var c = 0u; c < COLUMNS; c++) { // unroll
        weight_lane[c] = weight[weight_start[c] + weight_row];
      }
      for (var row = 0u; row < ROWS; row++) { // unroll
        let value = subgroupShuffle(source_lane[row / LANES * DEPTH + step], row % LANES);
        for (var c = 0u; c < COLUMNS; c++) { // unroll
          sums[row * COLUMNS + c] += value * weight_lane[c];
        }
      }
    }
    k += DEPTH;
    let next_tap = k >= dims.run;
    k = select(k, 0u, next_tap);
    i += select(0u, 1u, next_tap);
    let next_line = i >= dims.taps_x;
    i = select(i, 0u, next_line);
    j += select(0u, 1u, next_line);
  }

  for (var row = 0u; row < ROWS; row++) { // unroll
    let start = subgroupShuffle(place[row / LANES], row % LANES) + group.z * dims.columns;
    if (first_row + row < dims.rows) {
      for (var c = 0u; c < COLUMNS; c++) { // unroll
        let column = first_column + c * LANES + lane;
        if (column < dims.columns) { output[start + column] = sums[row * COLUMNS + c]; }
      }
    }
  }
}
