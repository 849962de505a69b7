// resample: a sparse linear map along one axis; bicubic and antialiased resizing are two of them.
//
//   output[o, j, i] = sum over k in [starts[j], starts[j + 1]) of weights[k] input[o, taps[k], i]
//
// Shapes   input [OUTER, L, INNER]     output [OUTER, OL, INNER]     starts [OL + 1]     taps, weights [K]
// Layout   row-major, contiguous; input, weights and output f32, starts and taps u32.
// Mapping  one invocation = one output element; grid x then y.
// Numerics weights are rounded once from float64; adds in the order of k: |error| <= (terms + 1) eps_f32 sum |terms|.
// Gradient this kernel with the transposed table.
// Source   separable resampling: every row of a resizing's matrix has few entries that are not 0.

struct Dims {
  n: u32,
  L: u32,
  OL: u32,
  inner: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> taps: array<u32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn resample(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let line = index / dims.inner;
  let i = index - line * dims.inner;
  let o = line / dims.OL;
  let j = line - o * dims.OL;
  let base = o * dims.L * dims.inner + i;
  var sum = 0.0;
  for (var k = starts[j]; k < starts[j + 1u]; k++) {
    sum += weights[k] * input[base + taps[k] * dims.inner];
  }
  output[index] = sum;
}
