// conv2d and conv2d-grad-input, for adapters whose subgroups have one fixed size: implicit matrix product.
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
// Mapping  one workgroup = one subgroup of LANES lanes = one tile of ROWS pixels x (COLUMNS * LANES) channels. Lanes hold COLUMNS
//          channels each; lane i loads the source for row i and broadcasts it. Tiles go down the rows first; grid z = phases, then groups.
// Numerics accumulates in f32, order j -> i -> k; |error| <= taps * run * eps_f32 * sum|a b|.
// Gradient this kernel again (input), conv2d-grad-weight-lane.wgsl (weight), reduce.wgsl (bias).
// Source   Dumoulin & Visin 2016 (arXiv:1603.07285). Same sums as conv2d-direct.wgsl and conv2d-grad-input-direct.wgsl, ten times
//          faster on software Vulkan, which loads lane by lane: each loaded value is used ROWS or 4 * LANES times.

enable subgroups;

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

@compute @workgroup_size(LANES)
fn conv2d_lane(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let phases = dims.phases_y * dims.phases_x;
  let channel_group = group.z / phases;
  let phase_y = group.z % phases / dims.phases_x;
  let phase_x = group.z % dims.phases_x;
  let PH = (dims.H - phase_y + dims.phases_y - 1u) / dims.phases_y;
  let PW = (dims.W - phase_x + dims.phases_x - 1u) / dims.phases_x;
  let rows = dims.images * PH * PW;
  let tile = group.y * groups.x + group.x;
  let row_tiles = (rows + ROWS - 1u) / ROWS;
  let first_row = (tile % row_tiles) * ROWS;
  let first_column = (tile / row_tiles) * COLUMNS * LANES;
  if (rows == 0u || first_column >= dims.columns) { return; }
  let down_taps = taps_of(phase_y, dims.phases_y, dims.shift_y, dims.reach_y, dims.taps_y, dims.next_y);
  let across_taps = taps_of(phase_x, dims.phases_x, dims.shift_x, dims.reach_x, dims.taps_x, dims.next_x);
  let first_tap = down_taps.first * dims.weight_y + across_taps.first * dims.weight_x;
  let weight_y = dims.next_y * dims.weight_y;
  let weight_x = dims.next_x * dims.weight_x;

  // Where each row's first tap lies, in lines and in elements; signed, as it may lie in the padding. Rows and columns past the
  // end repeat the last one and are not stored.
  var top: array<i32, STRIPS>;
  var left: array<i32, STRIPS>;
  var origin: array<i32, STRIPS>;
  var place: array<u32, STRIPS>;
  for (var strip = 0u; strip < STRIPS; strip++) { // unroll
    let row = min(first_row + strip * LANES + lane, rows - 1u);
    let x = row % PW;
    let y = (row / PW) % PH;
    let n = row / (PW * PH);
    top[strip] = i32(y * dims.step_y) + down_taps.base;
    left[strip] = (i32(x * dims.step_x) + across_taps.base) * i32(dims.SC) + i32(channel_group * dims.run);
    origin[strip] = (i32(n * dims.SH) + top[strip]) * i32(dims.line) + left[strip];
    place[strip] = n * dims.output_image + (y * dims.phases_y + phase_y) * dims.output_y
      + (x * dims.phases_x + phase_x) * dims.output_x;
  }
  var weight_start: array<u32, COLUMNS>;
  var shift: array<f32, COLUMNS>;
  for (var c = 0u; c < COLUMNS; c++) { // unroll
    let column = min(first_column + c * LANES + lane, dims.columns - 1u);
    weight_start[c] = first_tap + channel_group * dims.weight_group + column * dims.weight_column;
    shift[c] = select(0.0, bias[channel_group * dims.columns + column], dims.has_bias != 0u);
  }
  var sums: array<f32, ROWS * COLUMNS>;
  for (var row = 0u; row < ROWS; row++) { // unroll
    for (var c = 0u; c < COLUMNS; c++) { // unroll
      sums[row * COLUMNS + c] = shift[c];
    }
  }

  // One loop over (j, i, k), counted by hand: a division or a nested loop would cost as much as the sums.
  let turns = down_taps.count * across_taps.count * ((dims.run + DEPTH - 1u) / DEPTH);
  var k = 0u;
  var i = 0u;
  var j = 0u;
  for (var turn = 0u; turn < turns; turn++) {
    let down = i32(j) * dims.tap_y;
    let across = i32(i) * dims.tap_x * i32(dims.SC) + i32(k);
    let weight_tap = j * weight_y + i * weight_x;
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
    let next_line = i >= across_taps.count;
    i = select(i, 0u, next_line);
    j += select(0u, 1u, next_line);
  }

  for (var row = 0u; row < ROWS; row++) { // unroll
    let start = subgroupShuffle(place[row / LANES], row % LANES) + channel_group * dims.columns;
    if (first_row + row < rows) {
      for (var c = 0u; c < COLUMNS; c++) { // unroll
        let column = first_column + c * LANES + lane;
        if (column < dims.columns) { output[start + column] = finish(sums[row * COLUMNS + c]); }
      }
    }
  }
}
