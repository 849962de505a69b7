// groupNorm: normalises every group of channels of every image.
//
//   output[n, p, g, d] = (x[n, p, g, d] - mean[n, g] - rest[n, g]) * rstd[n, g] * weight[g D + d] + bias[g D + d]
//
// Shapes   x, output [N, P, G, D]     mean, rest, rstd [N, G]     weight, bias [G D]; 1 and 0 where WEIGHT or BIAS is 0
// Layout   row-major, contiguous, f32. Layer norm is G = 1, P = 1; instance norm is D = 1.
// Mapping  one invocation = one element; grid x then y.
// Numerics five roundings; x - mean is exact where the mean is large beside the spread, and rest is what rounding took off the mean.
// Gradient composed of ops in tensor/ops/group-norm.ts.
// Source   Wu & He 2018 (arXiv:1803.08494).

const WEIGHT = 1u;
const BIAS = 1u;

struct Dims {
  n: u32,
  P: u32,
  G: u32,
  D: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> mean: array<f32>;
@group(0) @binding(5) var<storage, read> rest: array<f32>;
@group(0) @binding(6) var<storage, read> rstd: array<f32>;
@group(0) @binding(7) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn group_norm(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let C = dims.G * dims.D;
  let pixel = index / C;
  let c = index - pixel * C;
  let j = pixel / dims.P * dims.G + c / dims.D;
  var value = ((x[index] - mean[j]) - rest[j]) * rstd[j];
  if (WEIGHT == 1u) { value *= weight[c]; }
  if (BIAS == 1u) { value += bias[c]; }
  output[index] = value;
}
