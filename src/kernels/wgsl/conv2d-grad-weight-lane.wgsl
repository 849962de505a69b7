// conv2d-grad-weight, for adapters whose subgroups have one fixed size: implicit matrix product over the pixels.
//
//   output[s, ky,kx,c,o] = sum over the s-th part of the pixels (n, y, x) of
//     input[n, y*stride + ky*dilation - top, x*stride + kx*dilation - left, c of o's group] * grad_output[n,y,x,o]
//
// Shapes   input NHWC [N, H, W, C]     grad_output NHWC [N, OH, OW, O]
//          output [splits, KH, KW, C / groups, O], which the host then sums over splits.
// Layout   row-major, contiguous, f32. Taps that fall in the padding read as 0.
// Mapping  one workgroup = one subgroup of LANES lanes = one tile of ROWS weights (ky, kx, c) x (COLUMNS * LANES) outputs. Lanes hold
//          COLUMNS outputs each; lane i loads the input for row i and broadcasts it. Tiles go down the rows first; grid z = split * groups + group.
// Numerics accumulates in f32, order n -> y -> x within a split of `chunk` pixels; |error| <= chunk * eps_f32 * sum|a b|.
// Gradient conv2d-grad-input (input), conv2d (grad_output).
//          Where there are fewer outputs than channels, and the stride is 1, the host swaps the two: grad_output is gathered, at
//          the taps' mirrored places, and the output's strides put things right.
// Source   matmul-lane.wgsl with its left operand gathered. Same sums as conv2d-grad-weight-direct.wgsl.

enable subgroups;

struct Dims {
  // Rows of the product: weights (ky, kx, c) of a group. Columns: its outputs.
  rows: u32,
  columns: u32,
  // Channels of a group.
  channels: u32,
  groups: u32,
  KW: u32,
  H: u32,
  // Elements of an input line, W * C.
  line: u32,
  C: u32,
  OH: u32,
  OW: u32,
  O: u32,
  stride_y: u32,
  stride_x: u32,
  dilation_y: i32,
  dilation_x: i32,
  top: i32,
  left: i32,
  // Pixels in all, and pixels of a split.
  pixels: u32,
  chunk: u32,
  // Element of the output where this dispatch starts, and elements from split to split, tap to tap, row to row within a tap,
  // column to column.
  output_offset: u32,
  slice: u32,
  output_tap: u32,
  output_row: u32,
  output_column: u32,
}

const LANES = 8u;
// Rows of a tile in units of LANES, columns of a tile in units of LANES.
const STRIPS = 2u;
const COLUMNS = 4u;
// Pixels of one turn of the loop.
const DEPTH = 2u;
const ROWS = STRIPS * LANES;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> grad_output: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(LANES)
fn conv2d_grad_weight_lane(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tile = group.y * groups.x + group.x;
  let row_tiles = (dims.rows + ROWS - 1u) / ROWS;
  let first_row = (tile % row_tiles) * ROWS;
  let first_column = (tile / row_tiles) * COLUMNS * LANES;
  if (first_column >= dims.columns) { return; }
  let split = group.z / dims.groups;
  let conv_group = group.z % dims.groups;

  // Where each row's tap lies from the pixel's, in lines and in elements; signed, as it may point into the padding. Rows and
  // columns past the end repeat the last one and are not stored.
  var down: array<i32, STRIPS>;
  var across: array<i32, STRIPS>;
  var place: array<u32, STRIPS>;
  for (var strip = 0u; strip < STRIPS; strip++) { // unroll
    let row = min(first_row + strip * LANES + lane, dims.rows - 1u);
    let tap = row / dims.channels;
    let c = row % dims.channels + conv_group * dims.channels;
    place[strip] = tap * dims.output_tap + row % dims.channels * dims.output_row;
    down[strip] = i32(tap / dims.KW) * dims.dilation_y - dims.top;
    across[strip] = (i32(tap % dims.KW) * dims.dilation_x - dims.left) * i32(dims.C) + i32(c);
  }
  var start: array<u32, COLUMNS>;
  for (var c = 0u; c < COLUMNS; c++) { // unroll
    start[c] = conv_group * dims.columns + min(first_column + c * LANES + lane, dims.columns - 1u);
  }

  var sums: array<f32, ROWS * COLUMNS>;
  let first = split * dims.chunk;
  let last = min(first + dims.chunk, dims.pixels);
  // The pixel, counted by hand: divisions would cost as much as the sums.
  var x = first % dims.OW;
  var y = (first / dims.OW) % dims.OH;
  var n = first / (dims.OW * dims.OH);
  for (var pixel = first; pixel < last; pixel += DEPTH) {
    var input_lane: array<f32, STRIPS * DEPTH>;
    for (var step = 0u; step < DEPTH; step++) { // unroll
      let line = i32(y * dims.stride_y);
      let element = i32(x * dims.stride_x * dims.C);
      for (var strip = 0u; strip < STRIPS; strip++) { // unroll
        // As unsigned numbers, negative positions are beyond every end.
        let live = u32(line + down[strip]) < dims.H && u32(element + across[strip]) < dims.line && pixel + step < last;
        let index = (i32(n * dims.H) + line + down[strip]) * i32(dims.line) + element + across[strip];
        input_lane[strip * DEPTH + step] = select(0.0, input[u32(index)], live);
      }
      x += 1u;
      let next_line = x >= dims.OW;
      x = select(x, 0u, next_line);
      y += select(0u, 1u, next_line);
      let next_image = y >= dims.OH;
      y = select(y, 0u, next_image);
      n += select(0u, 1u, next_image);
    }
    for (var step = 0u; step < DEPTH; step++) { // unroll
      let grad_pixel = min(pixel + step, last - 1u) * dims.O;
      var grad_lane: array<f32, COLUMNS>;
      for (var c = 0u; c < COLUMNS; c++) { // unroll
        grad_lane[c] = grad_output[grad_pixel + start[c]];
      }
      for (var row = 0u; row < ROWS; row++) { // unroll
        let value = subgroupShuffle(input_lane[row / LANES * DEPTH + step], row % LANES);
        for (var c = 0u; c < COLUMNS; c++) { // unroll
          sums[row * COLUMNS + c] += value * grad_lane[c];
        }
      }
    }
  }

  let slice = dims.output_offset + split * dims.slice + conv_group * dims.columns * dims.output_column;
  for (var row = 0u; row < ROWS; row++) { // unroll
    let row_start = slice + subgroupShuffle(place[row / LANES], row % LANES);
    if (first_row + row < dims.rows) {
      for (var c = 0u; c < COLUMNS; c++) { // unroll
        let column = first_column + c * LANES + lane;
        if (column < dims.columns) { output[row_start + column * dims.output_column] = sums[row * COLUMNS + c]; }
      }
    }
  }
}
