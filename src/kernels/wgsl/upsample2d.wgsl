// upsample2d: resizes the plane of every image and channel, up or down, to the nearest pixel or bilinearly.
//
//   position p(o) on an input axis of size I for output o of O, a fraction numerator / unit:
//     nearest             o r; r is I / O, or the inverse of a scale as a fraction
//     nearest-exact       (o + 1/2) r, half-pixel centres
//     bilinear            max((o + 1/2) r - 1/2, 0), half-pixel centres
//     with alignCorners   o (I - 1) / (O - 1), 0 when O is 1
//   nearest   output[n, y, x, c] = input[n, floor(p(y)), floor(p(x)), c]
//   bilinear  output[n, y, x, c] = the four pixels around (p(y), p(x)), weighted by 1 - distance along each axis
//
// Shapes   input NHWC [N, H, W, C]     output NHWC [N, OH, OW, C]
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one invocation = one V of the output; grid x then y.
// Numerics positions are exact (whole numerators below 2^32); two roundings an axis.
// Gradient upsample2d-grad.wgsl, its transpose; each is the other's gradient.
// Source   the sampling rule of torch.nn.functional.interpolate; nearest in whole numbers.

alias V = f32;
const BILINEAR = 0u;

struct Dims {
  // Step, plus, minus and unit of each axis: p(o) = (max(step o + plus, minus) - minus) / unit.
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

fn numerator(o: u32, axis: vec4u) -> u32 {
  return max(axis.x * o + axis.y, axis.z) - axis.z;
}

@compute @workgroup_size(64)
fn upsample2d(
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

  let y = numerator(row - n * dims.OH, dims.rows);
  let x = numerator(pixel - row * dims.OW, dims.columns);
  let top = y / dims.rows.w;
  let left = x / dims.columns.w;
  let plane = n * dims.H;
  let here = ((plane + top) * dims.W + left) * dims.C + c;
  if (BILINEAR == 0u) {
    output[index] = input[here];
    return;
  }
  let down = f32(y - top * dims.rows.w) / f32(dims.rows.w);
  let right = f32(x - left * dims.columns.w) / f32(dims.columns.w);
  let below = here + select(0u, dims.W * dims.C, top + 1u < dims.H);
  let beside = select(0u, dims.C, left + 1u < dims.W);
  let upper = (1.0 - right) * input[here] + right * input[here + beside];
  let lower = (1.0 - right) * input[below] + right * input[below + beside];
  output[index] = (1.0 - down) * upper + down * lower;
}
