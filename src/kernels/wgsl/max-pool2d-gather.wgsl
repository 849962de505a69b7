// maxPool2d, gather: the elements that saved indices name; the transpose of the gradient.
//
//   output[n, y, x, c] = input[n, indices[n, y, x, c], c], with H and W as one axis
//
// Shapes   input NHWC [N, H, W, C]     indices, output NHWC [N, OH, OW, C]; HW = H*W, PIXELS = OH*OW
// Layout   row-major, contiguous, f32; indices u32.
// Mapping  one invocation = one element of the output; grid x then y.
// Numerics exact.
// Gradient max-pool2d-grad.wgsl, its transpose.
// Source   second derivatives of maxPool2d: the gradient is linear in grad_output, and this is its gradient.

struct Dims {
  n: u32,
  HW: u32,
  PIXELS: u32,
  C: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn max_pool2d_gather(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let pixel = index / dims.C;
  let c = index - pixel * dims.C;
  let n = pixel / dims.PIXELS;
  output[index] = input[(n * dims.HW + indices[index]) * dims.C + c];
}
