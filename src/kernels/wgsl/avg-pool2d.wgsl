// avgPool2d: the mean of each window.
//
//   output[n, y, x, c] = sum over ky, kx of input[n, y*stride + ky - padding, x*stride + kx - padding, c] / (rows(y) columns(x))
//
//   rows(y), columns(x): the window's size within the padded input, or, without COUNT_PADDING, within the input; a divisor other
//   than 0 stands for their product. ADAPTIVE: window o of O covers [floor(o size / O), ceil((o + 1) size / O)) along each axis.
//
// Shapes   input NHWC [N, H, W, C]     output NHWC [N, OH, OW, C]
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one invocation = one V of the output; grid x then y.
// Numerics sums each row, then the rows: |error| <= (rows + columns) eps_f32 sum |terms|. Padding counts as 0.
// Gradient avg-pool2d-grad.wgsl, its transpose; each is the other's gradient.
// Source   the rules of torch.nn.functional.avg_pool2d and adaptive_avg_pool2d.

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
@group(0) @binding(1) var<storage, read> input: array<V>;
@group(0) @binding(2) var<storage, read_write> output: array<V>;

// The positions [x, y) of window o inside an axis, and z, what it counts for.
fn span(o: u32, size: u32, axis: vec4u) -> vec3u {
  if (ADAPTIVE == 1u) {
    let first = o * size / axis.x;
    let end = ((o + 1u) * size + axis.x - 1u) / axis.x;
    return vec3u(first, end, end - first);
  }
  let start = o * axis.y;
  let first = max(start, axis.z) - axis.z;
  let end = min(start + axis.x, size + axis.z) - axis.z;
  let padded = min(start + axis.x, axis.w) - start;
  return vec3u(first, end, select(end - first, padded, COUNT_PADDING == 1u));
}

@compute @workgroup_size(64)
fn avg_pool2d(
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
  var total = V(0.0);
  for (var y = ys.x; y < ys.y; y++) {
    let line = (n * dims.H + y) * dims.W;
    var sum = V(0.0);
    for (var x = xs.x; x < xs.y; x++) {
      sum += input[(line + x) * dims.C + c];
    }
    total += sum;
  }
  output[index] = total / select(dims.divisor, f32(ys.z * xs.z), dims.divisor == 0.0);
}
