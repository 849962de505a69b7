// conv2d-grad-weight: implicit matrix product over the pixels, by tiles in workgroup memory.
//
//   output[s, ky,kx,c,o] = sum over the s-th part of the pixels (n, y, x) of
//     input[n, y*stride + ky*dilation - top, x*stride + kx*dilation - left, c of o's group] * grad_output[n,y,x,o]
//
// Shapes   input NHWC [N, H, W, C]     grad_output NHWC [N, OH, OW, O]
//          output [splits, KH, KW, C / groups, O], which the host then sums over splits.
// Layout   row-major, contiguous, f32. Taps that fall in the padding read as 0.
// Mapping  one workgroup of 16 x 16 = one tile of (16 * TM) weights (ky, kx, c) x (16 * TN) outputs, one invocation = TM x TN of them,
//          16 apart. Tiles are numbered down the rows first; grid z = split * groups + group.
// Numerics accumulates in f32, order n -> y -> x within a split of `chunk` pixels; |error| <= chunk * eps_f32 * sum|a b|.
// Gradient conv2d-grad-input (input), conv2d (grad_output).
//          Where there are fewer outputs than channels, and the stride is 1, the host swaps the two: grad_output is gathered, at
//          the taps' mirrored places, and the output's strides put things right.
// Source   matmul.wgsl with its left operand gathered. Same sums as conv2d-grad-weight-direct.wgsl.

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
  // TILE_K pixels as (images, lines, pixels), so that a thread moves on without dividing.
  turn_n: u32,
  turn_y: u32,
  turn_x: u32,
}

const TM = 4u;
const TN = 4u;
const TILE_K = 16u;
// Pixels written out in the loop over a tile.
const DEPTH = 4u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> grad_output: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

var<workgroup> input_tile: array<f32, TILE_K * 16u * TM>;
var<workgroup> grad_tile: array<f32, TILE_K * 16u * TN>;

@compute @workgroup_size(256)
fn conv2d_grad_weight(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let tile = group.y * groups.x + group.x;
  let row_tiles = (dims.rows + 16u * TM - 1u) / (16u * TM);
  let first_row = (tile % row_tiles) * 16u * TM;
  let first_column = (tile / row_tiles) * 16u * TN;
  if (first_column >= dims.columns) { return; }
  let split = group.z / dims.groups;
  let conv_group = group.z % dims.groups;
  let high = thread / 16u;
  let low = thread % 16u;
  let first = split * dims.chunk;
  let last = min(first + dims.chunk, dims.pixels);

  // This thread loads one row of the input tile, at TM pixels. Where the row's tap lies from the pixel's, in lines and in
  // elements, is signed, as it may point into the padding.
  let load_row = thread % (16u * TM);
  let row = min(first_row + load_row, dims.rows - 1u);
  let tap = row / dims.channels;
  let down = i32(tap / dims.KW) * dims.dilation_y - dims.top;
  let c = row % dims.channels + conv_group * dims.channels;
  let across = (i32(tap % dims.KW) * dims.dilation_x - dims.left) * i32(dims.C) + i32(c);
  var x: array<u32, TM>;
  var y: array<u32, TM>;
  var n: array<u32, TM>;
  for (var part = 0u; part < TM; part++) { // unroll
    let pixel = first + (part * 256u + thread) / (16u * TM);
    x[part] = pixel % dims.OW;
    y[part] = (pixel / dims.OW) % dims.OH;
    n[part] = pixel / (dims.OW * dims.OH);
  }

  var sums: array<f32, TM * TN>;
  for (var pixel = first; pixel < last; pixel += TILE_K) {
    for (var part = 0u; part < TM; part++) { // unroll
      let tile_pixel = (part * 256u + thread) / (16u * TM);
      let line = i32(y[part] * dims.stride_y) + down;
      let element = i32(x[part] * dims.stride_x * dims.C) + across;
      // As unsigned numbers, negative positions are beyond every end.
      let inside = u32(line) < dims.H && u32(element) < dims.line && pixel + tile_pixel < last;
      let value = input[u32((i32(n[part] * dims.H) + line) * i32(dims.line) + element)];
      input_tile[tile_pixel * 16u * TM + load_row] = select(0.0, value, inside);
      x[part] += dims.turn_x;
      let next_line = x[part] >= dims.OW;
      x[part] -= select(0u, dims.OW, next_line);
      y[part] += dims.turn_y + select(0u, 1u, next_line);
      let next_image = y[part] >= dims.OH;
      y[part] -= select(0u, dims.OH, next_image);
      n[part] += dims.turn_n + select(0u, 1u, next_image);
    }
    for (var part = 0u; part < TN; part++) { // unroll
      let item = part * 256u + thread;
      let tile_pixel = item / (16u * TN);
      let column = first_column + item % (16u * TN);
      let inside = pixel + tile_pixel < last && column < dims.columns;
      let value = grad_output[(pixel + tile_pixel) * dims.O + conv_group * dims.columns + column];
      grad_tile[item] = select(0.0, value, inside);
    }
    workgroupBarrier();
    let steps = min(TILE_K, last - pixel);
    for (var group_first = 0u; group_first < steps; group_first += DEPTH) {
      for (var part = 0u; part < DEPTH; part++) { // unroll
        let step = group_first + part;
        var grads: array<f32, TN>;
        for (var j = 0u; j < TN; j++) { // unroll
          grads[j] = grad_tile[step * 16u * TN + j * 16u + low];
        }
        for (var i = 0u; i < TM; i++) { // unroll
          let value = input_tile[step * 16u * TM + i * 16u + high];
          for (var j = 0u; j < TN; j++) { // unroll
            sums[i * TN + j] += value * grads[j];
          }
        }
      }
    }
    workgroupBarrier();
  }

  let start = dims.output_offset + split * dims.slice + conv_group * dims.columns * dims.output_column;
  for (var i = 0u; i < TM; i++) { // unroll
    for (var j = 0u; j < TN; j++) { // unroll
      let m = first_row + i * 16u + high;
      let column = first_column + j * 16u + low;
      if (m < dims.rows && column < dims.columns) {
        let place = m / dims.channels * dims.output_tap + m % dims.channels * dims.output_row;
        output[start + place + column * dims.output_column] = sums[i * TN + j];
      }
    }
  }
}
