// upsample2d, gradient: each input pixel sums the gradients of the outputs that read it.
//
//   grad_input[n, h, w, c] = sum over y, x that read (h, w) of weight(y, h) weight(x, w) grad_output[n, y, x, c]
//
// Shapes   grad_output NHWC [N, OH, OW, C]     grad_input NHWC [N, H, W, C]
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one invocation = one V of grad_input; it gathers, so there are no atomics; grid x then y.
// Numerics the outputs that read a pixel are one range an axis, found exactly in whole numbers (no number of the positions reaches 2^32); sums each
//          row, then the rows: |error| <= (rows + columns) eps_f32 sum |terms|.
// Gradient upsample2d.wgsl, its transpose; each is the other's gradient.
// Source   p(o) of upsample2d.wgsl is not decreasing, so p(o) in (h - 1, h + 1), or [h, h + 1) for nearest, is a range of o.

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
@group(0) @binding(1) var<storage, read> grad_output: array<V>;
@group(0) @binding(2) var<storage, read_write> grad_input: array<V>;

// The outputs [x, y) that read input h of an axis.
fn readers(h: u32, outputs: u32, axis: vec4u) -> vec2u {
  // One input, corners aligned: every output reads it.
  if (axis.x == 0u) { return vec2u(0u, outputs); }
  var first = 0u;
  if (BILINEAR == 0u) {
    first = (max(h * axis.w, axis.y) - axis.y + axis.x - 1u) / axis.x;
  } else if (h > 0u && (h - 1u) * axis.w + axis.z >= axis.y) {
    first = ((h - 1u) * axis.w + axis.z - axis.y) / axis.x + 1u;
  }
  let limit = (h + 1u) * axis.w + axis.z;
  if (limit <= axis.y) { return vec2u(0u, 0u); }
  return vec2u(first, min(outputs, (limit - axis.y + axis.x - 1u) / axis.x));
}

// The share of input h in output o, which reads it.
fn weight(o: u32, h: u32, last: u32, axis: vec4u) -> f32 {
  if (BILINEAR == 0u) { return 1.0; }
  let position = max(axis.x * o + axis.y, axis.z) - axis.z;
  let own = h * axis.w;
  if (position < own) { return 1.0 - f32(own - position) / f32(axis.w); }
  // Past the last pixel both neighbours are the last pixel.
  return select(1.0 - f32(position - own) / f32(axis.w), 1.0, h == last);
}

@compute @workgroup_size(64)
fn upsample2d_grad(
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
  let h = row - n * dims.H;
  let w = pixel - row * dims.W;

  let ys = readers(h, dims.OH, dims.rows);
  let xs = readers(w, dims.OW, dims.columns);
  var total = V(0.0);
  for (var y = ys.x; y < ys.y; y++) {
    let start = (n * dims.OH + y) * dims.OW;
    var sum = V(0.0);
    for (var x = xs.x; x < xs.y; x++) {
      sum += weight(x, w, dims.W - 1u, dims.columns) * grad_output[(start + x) * dims.C + c];
    }
    total += weight(y, h, dims.H - 1u, dims.rows) * sum;
  }
  grad_input[index] = total;
}
