// conv2d-grad-input: the gradient of conv2d with respect to its input, direct form.
//
//   output[n,y,x,c] = bias[c] + sum over ky, kx and the outputs o of c's group, where oy*stride = y + top - ky*dilation has a whole solution
//     oy in [0, OH), likewise ox, of grad_output[n,oy,ox,o] * weight[ky, kx, c within the group, o]
//
// Shapes   grad_output NHWC [N, OH, OW, O]     weight HWIO [KH, KW, C / groups, O]
//          bias   [C], for the transposed convolution, which this is too     output NHWC [N, H, W, C]
// Layout   row-major, contiguous, f32.
// Mapping  one invocation = one output element, channels next to each other; grid x then y cover them.
// Numerics accumulates in f32, order ky -> kx -> o; |error| <= KH*KW*O/groups * eps_f32 * sum|a b|.
// Gradient conv2d (grad_output), conv2d-grad-weight (weight).
// Source   the transpose of conv2d-direct.wgsl, gathered. The plain form of what conv2d.wgsl and conv2d-lane.wgsl do by residues.

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
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn conv2d_grad_input_direct(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.N * dims.H * dims.W * dims.C) { return; }
  let c = index % dims.C;
  let x = (index / dims.C) % dims.W;
  let y = (index / (dims.C * dims.W)) % dims.H;
  let n = index / (dims.C * dims.W * dims.H);
  let channels = dims.C / dims.groups;
  let outputs = dims.O / dims.groups;
  let first_output = c / channels * outputs;

  var sum = 0.0;
  if (dims.has_bias != 0u) { sum = bias[c]; }
  for (var ky = 0u; ky < dims.KH; ky++) {
    let row = y + dims.top;
    let reach_y = ky * dims.dilation_y;
    let oy = (row - reach_y) / dims.stride_y;
    if (row < reach_y || (row - reach_y) % dims.stride_y != 0u || oy >= dims.OH) { continue; }
    for (var kx = 0u; kx < dims.KW; kx++) {
      let col = x + dims.left;
      let reach_x = kx * dims.dilation_x;
      let ox = (col - reach_x) / dims.stride_x;
      if (col < reach_x || (col - reach_x) % dims.stride_x != 0u || ox >= dims.OW) { continue; }
      let pixel = ((n * dims.OH + oy) * dims.OW + ox) * dims.O + first_output;
      let tap = ((ky * dims.KW + kx) * channels + c % channels) * dims.O + first_output;
      for (var o = 0u; o < outputs; o++) {
        sum += grad_output[pixel + o] * weight[tap + o];
      }
    }
  }
  output[index] = sum;
}
