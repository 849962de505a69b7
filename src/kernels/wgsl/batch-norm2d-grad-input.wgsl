// batchNorm2d, gradient with respect to the input when the statistics are the batch's own.
//
//   xhat = (x - mean) * rstd
//   grad_input[m, c] = weight[c] * rstd[c] * (grad_output[m, c] - (grad_bias[c] + xhat[m, c] * grad_weight[c]) / M)
//
// Shapes   grad_output, x, grad_input [M, C], M = N H W     weight, mean, rstd, grad_bias, grad_weight [C]
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one invocation = 4 Vs of grad_input, STEP apart: STEP is a multiple of C, so they are one channel's, whose numbers are
//          read once. Neighbours read neighbouring addresses; grid x then y covers STEP.
// Numerics elementwise; the differences cancel exactly as in every float32 form of it.
// Gradient none: second derivatives are composed from ops (src/tensor/ops/batch-norm2d.ts).
// Source   Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3; grad_bias and grad_weight from batch-norm2d-grad-sums.wgsl.

alias V = f32;

struct Dims {
  n: u32,
  C: u32,
  STEP: u32,
  per_row: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> grad_output: array<V>;
@group(0) @binding(2) var<storage, read> x: array<V>;
@group(0) @binding(3) var<storage, read> weight: array<V>;
@group(0) @binding(4) var<storage, read> mean: array<V>;
@group(0) @binding(5) var<storage, read> rstd: array<V>;
@group(0) @binding(6) var<storage, read> grad_bias: array<V>;
@group(0) @binding(7) var<storage, read> grad_weight: array<V>;
@group(0) @binding(8) var<storage, read_write> grad_input: array<V>;

@compute @workgroup_size(64)
fn batch_norm2d_grad_input(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 64u + lane;
  if (first >= dims.STEP) { return; }
  let c = first % dims.C;
  let centre = mean[c];
  let scale = rstd[c];
  let factor = weight[c] * scale;
  let plain = grad_bias[c] * dims.per_row;
  let along = grad_weight[c] * dims.per_row;
  for (var part = 0u; part < 4u; part++) {
    let i = first + part * dims.STEP;
    if (i >= dims.n) { return; }
    let xhat = (x[i] - centre) * scale;
    grad_input[i] = factor * (grad_output[i] - (plain + xhat * along));
  }
}
