// avgPool2d, gradient: each input element sums its share of the gradients of the windows that cover it.
//
//   grad_input[n, h, w, c] = sum over the windows y, x that cover (h, w) of grad_output[n, y, x, c] / (rows(y) columns(x))
//
// Shapes   grad_output NHWC [N, OH, OW, C]     grad_input NHWC [N, H, W, C]
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one invocation = one V of grad_input; it gathers, so there are no atomics; grid x then y.
// Numerics at most kernel / stride terms an axis; sums each row, then the rows.
// Gradient avg-pool2d.wgsl, its transpose, which defines rows and columns; each is the other's gradient.
// Source   window y covers row h when 0 <= h + padding - y*stride < kernel; ADAPTIVE: when y H < (h + 1) OH and (y + 1) H > h OH.

alias V = f32;
const COUNT_PADDING = 1u;
const ADAPTIVE = 0u;

struct Dims {
  // Kernel, stride, padding before and padded size of each axis; ADAPTIVE: the number of windows first.
  rows: vec4u,
  columns: vec4u,
  n: u32,
  H: u32,
  W: u32,
  OH: u32,
  OW: u32,
  C: u32,
  divisor: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> grad_output: array<V>;
@group(0) @binding(2) var<storage, read_write> grad_input: array<V>;

// The windows [x, y) that cover position h of an axis.
fn covering(h: u32, size: u32, windows: u32, axis: vec4u) -> vec2u {
  if (ADAPTIVE == 1u) { return vec2u(h * windows / size, ((h + 1u) * windows - 1u) / size + 1u); }
  let end = h + axis.z;
  let first = (max(end + 1u, axis.x) - axis.x + axis.y - 1u) / axis.y;
  return vec2u(first, min(windows, end / axis.y + 1u));
}

// What window o of an axis counts for.
fn extent(o: u32, size: u32, axis: vec4u) -> u32 {
  if (dims.divisor != 0.0) { return 1u; }
  if (ADAPTIVE == 1u) { return ((o + 1u) * size + axis.x - 1u) / axis.x - o * size / axis.x; }
  let start = o * axis.y;
  if (COUNT_PADDING == 1u) { return min(start + axis.x, axis.w) - start; }
  return min(start + axis.x, size + axis.z) - max(start, axis.z);
}

@compute @workgroup_size(64)
fn avg_pool2d_grad(
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

  let ys = covering(row - n * dims.H, dims.H, dims.OH, dims.rows);
  let xs = covering(pixel - row * dims.W, dims.W, dims.OW, dims.columns);
  var total = V(0.0);
  for (var y = ys.x; y < ys.y; y++) {
    let line = (n * dims.OH + y) * dims.OW;
    var sum = V(0.0);
    for (var x = xs.x; x < xs.y; x++) {
      sum += grad_output[(line + x) * dims.C + c] / f32(extent(x, dims.W, dims.columns));
    }
    total += sum / f32(extent(y, dims.H, dims.rows));
  }
  grad_input[index] = total / select(dims.divisor, 1.0, dims.divisor == 0.0);
}
