// conv2d-grad-weight: the gradient of conv2d with respect to its weight, direct form.
//
//   output[s, ky,kx,c,o] = sum over the s-th part of the pixels (n, y, x) of
//     input[n, y*stride + ky*dilation - top, x*stride + kx*dilation - left, c of o's group] * grad_output[n,y,x,o]
//
// Shapes   input NHWC [N, H, W, C]     grad_output NHWC [N, OH, OW, O]
//          output [splits, KH, KW, C / groups, O], which the host then sums over splits.
// Layout   row-major, contiguous, f32. Taps that fall in the padding read as 0.
// Mapping  one invocation = one weight of one split; grid x then y cover them.
// Numerics accumulates in f32, order n -> y -> x within a split of `chunk` pixels; |error| <= chunk * eps_f32 * sum|a b|.
// Gradient conv2d-grad-input (input), conv2d (grad_output).
// Source   the transpose of conv2d-direct.wgsl. The plain form of conv2d-grad-weight.wgsl and conv2d-grad-weight-lane.wgsl.

struct Dims {
  N: u32,
  H: u32,
  W: u32,
  C: u32,
  KH: u32,
  KW: u32,
  OH: u32,
  OW: u32,
  O: u32,
  groups: u32,
  stride_y: u32,
  stride_x: u32,
  dilation_y: u32,
  dilation_x: u32,
  top: u32,
  left: u32,
  // Pixels of a split.
  chunk: u32,
  splits: u32,
  // Element of the output where this dispatch starts.
  output_offset: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> grad_output: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn conv2d_grad_weight_direct(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  let channels = dims.C / dims.groups;
  let weights = dims.KH * dims.KW * channels * dims.O;
  if (index >= dims.splits * weights) { return; }
  let o = index % dims.O;
  let c = (index / dims.O) % channels + o / (dims.O / dims.groups) * channels;
  let kx = (index / (dims.O * channels)) % dims.KW;
  let ky = (index / (dims.O * channels * dims.KW)) % dims.KH;
  let first = index / weights * dims.chunk;
  let last = min(first + dims.chunk, dims.N * dims.OH * dims.OW);

  var sum = 0.0;
  for (var pixel = first; pixel < last; pixel++) {
    // Padded coordinates, so that unsigned arithmetic never goes below zero.
    let col = pixel % dims.OW * dims.stride_x + kx * dims.dilation_x;
    let row = (pixel / dims.OW) % dims.OH * dims.stride_y + ky * dims.dilation_y;
    let n = pixel / (dims.OW * dims.OH);
    if (row < dims.top || row >= dims.H + dims.top || col < dims.left || col >= dims.W + dims.left) { continue; }
    let value = input[((n * dims.H + row - dims.top) * dims.W + col - dims.left) * dims.C + c];
    sum += value * grad_output[pixel * dims.O + o];
  }
  output[dims.output_offset + index] = sum;
}
