// softmax: exponentials along one axis divided by their sum, or the logarithm of that.
//
//   output[o, r, i] = result(input[o, r, i] - m, sum over q of exp(input[o, q, i] - m)),  m = max over q of input[o, q, i]
//
// Shapes   input, output [OUTER, R, INNER]
// Layout   row-major, contiguous, f32.
// Mapping  LANES invocations of a workgroup of 64 = one row along the axis, each every LANES-th element of it.
// Numerics exponentials of numbers <= 0; sums 16 at a time, then those sums, then over the lanes by halves. A row with NaN or
//          +infinity is NaN.
// Gradient ops: src/tensor/ops/softmax.ts.
// Source   the shift by the maximum, as in every framework.

struct Dims {
  rows: u32,
  R: u32,
  inner: u32,
}

const LANES = 64u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

var<workgroup> scratch: array<f32, 64>;

fn power_of_e(v: f32) -> f32 { return exp(v); }
fn result(shifted: f32, total: f32) -> f32 { return exp(shifted) / total; }

@compute @workgroup_size(64)
fn softmax(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = (group.y * groups.x + group.x) * (64u / LANES) + thread / LANES;
  let lane = thread % LANES;
  let base = row / dims.inner * dims.R * dims.inner + row % dims.inner;
  let end = select(0u, dims.R, row < dims.rows);

  // Any element is a start; lanes without one of their own take the first.
  var largest = input[select(0u, base, row < dims.rows)];
  for (var r = lane; r < end; r += LANES) {
    largest = max(largest, input[base + r * dims.inner]);
  }
  if (LANES > 1u) {
    scratch[thread] = largest;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
      if (lane < half) { scratch[thread] = max(scratch[thread], scratch[thread + half]); }
      workgroupBarrier();
    }
    largest = scratch[thread - lane];
    workgroupBarrier();
  }

  var total = 0.0;
  var few = 0.0;
  var count = 0u;
  for (var r = lane; r < end; r += LANES) {
    few += power_of_e(input[base + r * dims.inner] - largest);
    count++;
    if (count % 16u == 0u) {
      total += few;
      few = 0.0;
    }
  }
  total += few;
  if (LANES > 1u) {
    scratch[thread] = total;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
      if (lane < half) { scratch[thread] += scratch[thread + half]; }
      workgroupBarrier();
    }
    total = scratch[thread - lane];
  }

  for (var r = lane; r < end; r += LANES) {
    let place = base + r * dims.inner;
    output[place] = result(input[place] - largest, total);
  }
}
