// maxPool2d: the largest element of each window, and where it is.
//
//   output[n, y, x, c] = max over ky, kx of input[n, y*stride + ky*dilation - padding, x*stride + kx*dilation - padding, c]
//   indices[n, y, x, c] = h*W + w of the first such element in row-major order
//
// Shapes   input NHWC [N, H, W, C]     output, indices NHWC [N, OH, OW, C], written when INDICES is 1
// Layout   row-major, contiguous; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s; I is V of u32.
// Mapping  one invocation = one V of the output; grid x then y. Two outputs, because a second pass would read the input again.
// Numerics exact. Padding never wins: it starts from the first element inside, and the host has checked that there is one. NaN wins
//          over everything, the last NaN of a window over the others.
// Gradient max-pool2d-grad.wgsl.
// Source   the rules of torch.nn.functional.max_pool2d and adaptive_max_pool2d, whose windows avg-pool2d.wgsl describes.

alias V = f32;
alias I = u32;
alias B = bool;
const INDICES = 0u;
const ADAPTIVE = 0u;

struct Dims {
  // Kernel, stride, padding before and dilation of each axis; ADAPTIVE: the number of windows first.
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
@group(0) @binding(2) var<storage, read_write> indices: array<I>;
@group(0) @binding(3) var<storage, read_write> output: array<V>;

fn is_nan(v: V) -> B {
  return (bitcast<I>(v) & I(0x7fffffffu)) > I(0x7f800000u);
}

// Of window o of an axis: the first position inside it, the end, and the step.
fn span(o: u32, size: u32, axis: vec4u) -> vec3u {
  if (ADAPTIVE == 1u) { return vec3u(o * size / axis.x, ((o + 1u) * size + axis.x - 1u) / axis.x, 1u); }
  // Padded coordinates, so that unsigned arithmetic never goes below zero.
  let start = o * axis.y;
  let skipped = (max(axis.z, start) - start + axis.w - 1u) / axis.w;
  let end = min(start + (axis.x - 1u) * axis.w + 1u, size + axis.z);
  return vec3u(start + skipped * axis.w - axis.z, end - axis.z, axis.w);
}

@compute @workgroup_size(64)
fn max_pool2d(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let pixel = index / dims.C;
  let c = index - pixel * dims.C;
  let row = pixel / dims.OW;
  let n = row / dims.OH;

  let ys = span(row - n * dims.OH, dims.H, dims.rows);
  let xs = span(pixel - row * dims.OW, dims.W, dims.columns);
  let plane = n * dims.H * dims.W;
  var best_place = I(ys.x * dims.W + xs.x);
  var best = input[(plane + ys.x * dims.W + xs.x) * dims.C + c];
  for (var y = ys.x; y < ys.y; y += ys.z) {
    for (var x = xs.x; x < xs.y; x += xs.z) {
      let place = y * dims.W + x;
      let value = input[(plane + place) * dims.C + c];
      let better = is_nan(value) | (!is_nan(best) & (value > best));
      best = select(best, value, better);
      best_place = select(best_place, I(place), better);
    }
  }
  output[index] = best;
  if (INDICES == 1u) { indices[index] = best_place; }
}
