// unfold: the windows of an image as rows, for a matrix product: im2col.
//
//   output[n, p, q, ky, kx, c] = input[n, p*stride + ky*dilation - padding, q*stride + kx*dilation - padding, c], 0 in the padding
//
// Shapes   input NHWC [N, H, W, C]     output [N, OH, OW, KH, KW, C]
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one invocation = one V of the output; grid x then y.
// Numerics exact.
// Gradient fold.wgsl, its transpose; each is the other's gradient.
// Source   torch.nn.functional.unfold, channels last: a row is in the order of an HWIO filter.

alias V = f32;

struct Dims {
  // Kernel, stride, padding before and dilation of each axis.
  rows: vec4u,
  columns: vec4u,
  n: u32,
  H: u32,
  W: u32,
  OH: u32,
  OW: u32,
  C: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<V>;
@group(0) @binding(2) var<storage, read_write> output: array<V>;

@compute @workgroup_size(64)
fn unfold(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let tap = index / dims.C;
  let c = index - tap * dims.C;
  let row = tap / dims.columns.x;
  let kx = tap - row * dims.columns.x;
  let window = row / dims.rows.x;
  let ky = row - window * dims.rows.x;
  let line = window / dims.OW;
  let n = line / dims.OH;

  // Padded coordinates, so that unsigned arithmetic never goes below zero.
  let y = (line - n * dims.OH) * dims.rows.y + ky * dims.rows.w;
  let x = (window - line * dims.OW) * dims.columns.y + kx * dims.columns.w;
  let inside = y >= dims.rows.z && y < dims.H + dims.rows.z && x >= dims.columns.z && x < dims.W + dims.columns.z;
  var value = V();
  if (inside) { value = input[((n * dims.H + y - dims.rows.z) * dims.W + x - dims.columns.z) * dims.C + c]; }
  output[index] = value;
}
