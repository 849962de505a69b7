// maxPool2d, gradient: each input element sums the gradients of the windows that it won.
//
//   grad_input[n, h, w, c] = sum over y, x with indices[n, y, x, c] = h*W + w of grad_output[n, y, x, c]
//
// Shapes   grad_output, indices NHWC [N, OH, OW, C]     grad_input NHWC [N, H, W, C]
// Layout   row-major, contiguous; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s; I is V of u32.
// Mapping  one invocation = one V of grad_input; it looks at the windows that cover it, so there are no atomics; grid x then y.
// Numerics at most kernel / stride terms an axis, added in row-major order.
// Gradient max-pool2d-gather.wgsl, its transpose.
// Source   window y covers row h when y*stride + ky*dilation = h + padding for some ky: a range of y, with gaps where dilation > 1,
//          in which no index can name h. ADAPTIVE: as avg-pool2d-grad.wgsl.

alias V = f32;
alias I = u32;
const ADAPTIVE = 0u;

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
@group(0) @binding(1) var<storage, read> grad_output: array<V>;
@group(0) @binding(2) var<storage, read> indices: array<I>;
@group(0) @binding(3) var<storage, read_write> grad_input: array<V>;

// The windows [x, y) that may cover position h of an axis.
fn covering(h: u32, size: u32, windows: u32, axis: vec4u) -> vec2u {
  if (ADAPTIVE == 1u) { return vec2u(h * windows / size, ((h + 1u) * windows - 1u) / size + 1u); }
  let end = h + axis.z;
  let reach = axis.w * (axis.x - 1u);
  let first = (max(end, reach) - reach + axis.y - 1u) / axis.y;
  return vec2u(first, min(windows, end / axis.y + 1u));
}

@compute @workgroup_size(64)
fn max_pool2d_grad(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let pixel = index / dims.C;
  let c = index - pixel * dims.C;
  let row = pixel / dims.W;
  let n = row / dims.H;

  let own = I(pixel - n * dims.H * dims.W);
  let ys = covering(row - n * dims.H, dims.H, dims.OH, dims.rows);
  let xs = covering(pixel - row * dims.W, dims.W, dims.OW, dims.columns);
  var total = V(0.0);
  for (var y = ys.x; y < ys.y; y++) {
    for (var x = xs.x; x < xs.y; x++) {
      let window = ((n * dims.OH + y) * dims.OW + x) * dims.C + c;
      total += select(V(0.0), grad_output[window], indices[window] == own);
    }
  }
  grad_input[index] = total;
}
