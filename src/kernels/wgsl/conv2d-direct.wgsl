// conv2d: 2-D cross-correlation, direct form.
//
//   output[n,y,x,o] = bias[o] + sum over ky, kx and the channels c of o's group of
//     input[n, y*stride + ky*dilation - top, x*stride + kx*dilation - left, c] * weight[ky, kx, c within the group, o]
//
// Shapes   input  NHWC [N, H, W, C]     weight HWIO [KH, KW, C / groups, O]
//          bias   [O]                   output NHWC [N, OH, OW, O]
// Layout   row-major, contiguous, f32. Taps that fall in the padding read as 0.
// Mapping  one invocation = one output element, channels next to each other; grid x then y cover them.
// Numerics accumulates in f32, order ky -> kx -> c; |error| <= KH*KW*C/groups * eps_f32 * sum|a b|.
// Gradient conv2d-grad-input-direct.wgsl, conv2d-grad-weight-direct.wgsl; bias: reduce.wgsl over (N, OH, OW).
// Source   Dumoulin & Visin 2016 (arXiv:1603.07285). The plain form of conv2d.wgsl and conv2d-lane.wgsl; used where groups have
//          so few channels that a tile would be mostly empty.

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
  has_bias: u32,
  // Whether relu follows.
  rectify: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

// As the elementwise relu, to the bit.
fn finish(v: f32) -> f32 {
  return select(v, select(max(v, 0.0), v, is_nan(v)), dims.rectify != 0u);
}

@compute @workgroup_size(64)
fn conv2d_direct(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.N * dims.OH * dims.OW * dims.O) { return; }
  let o = index % dims.O;
  let x = (index / dims.O) % dims.OW;
  let y = (index / (dims.O * dims.OW)) % dims.OH;
  let n = index / (dims.O * dims.OW * dims.OH);
  let channels = dims.C / dims.groups;
  let first_channel = o / (dims.O / dims.groups) * channels;

  var sum = 0.0;
  if (dims.has_bias != 0u) { sum = bias[o]; }
  for (var ky = 0u; ky < dims.KH; ky++) {
    // Padded coordinates, so that unsigned arithmetic never goes below zero.
    let row = y * dims.stride_y + ky * dims.dilation_y;
    if (row < dims.top || row >= dims.H + dims.top) { continue; }
    for (var kx = 0u; kx < dims.KW; kx++) {
      let col = x * dims.stride_x + kx * dims.dilation_x;
      if (col < dims.left || col >= dims.W + dims.left) { continue; }
      let pixel = ((n * dims.H + row - dims.top) * dims.W + col - dims.left) * dims.C + first_channel;
      let tap = (ky * dims.KW + kx) * channels;
      for (var c = 0u; c < channels; c++) {
        sum += input[pixel + c] * weight[(tap + c) * dims.O + o];
      }
    }
  }
  output[index] = finish(sum);
}
