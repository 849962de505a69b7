// recurrence: a linear recurrence along one axis.
//
//   output[o, r, i] = a[o, r, i] * output[o, r - 1, i] + b[o, r, i], from output = 0 before the first; r + 1 when REVERSE
//
// Shapes   a, b, output [OUTER, R, INNER]
// Layout   row-major, contiguous, f32.
// Mapping  one invocation = one row along the axis, in order; workgroups of 64, numbered over grid x then y.
// Numerics one rounding per product and sum, in order.
// Gradient recurrence.wgsl the other way round: src/tensor/ops/recurrence.ts.
// Source   the chain rule of a cumulative product, without dividing, so that zeros are no special case.

struct Dims {
  rows: u32,
  R: u32,
  inner: u32,
}

const REVERSE = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn recurrence(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.y * groups.x + group.x) * 64u + lane;
  if (row >= dims.rows) { return; }
  let base = row / dims.inner * dims.R * dims.inner + row % dims.inner;
  var value = 0.0;
  for (var r = 0u; r < dims.R; r++) {
    let place = base + select(r, dims.R - 1u - r, REVERSE) * dims.inner;
    value = a[place] * value + b[place];
    output[place] = value;
  }
}
