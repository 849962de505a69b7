// batchNorm2d, statistics: where batch-norm2d-stats.wgsl leaves several parts, their merge, and what it else makes itself.
//
//   mean[c], var[c] = of the union of partial[:, :, c]; rstd[c] = 1 / sqrt(var[c] + eps)
//   RUNNING: running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean[c],
//            running_var[c]  = (1 - momentum) * running_var[c]  + momentum * correction * var[c]
//
// Shapes   partial [S, 3, C]     first: the first row of x [C]     running_mean, running_var, mean, rstd [C]
// Layout   row-major, contiguous, f32.
// Mapping  one invocation = one channel. Four outputs, because they are four numbers of one channel: a pass less each.
// Numerics Chan's update; the channel's first row, which the partial means are relative to, is added last: one rounding.
// Gradient batch-norm2d-grad-sums.wgsl, batch-norm2d-grad-input.wgsl; the running statistics are no part of it.
// Source   Ioffe & Szegedy 2015 (arXiv:1502.03167); correction M / (M - 1) makes the running variance the unbiased one.

const RUNNING = 0u;

struct Dims {
  S: u32,
  C: u32,
  eps: f32,
  momentum: f32,
  correction: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read> first: array<f32>;
@group(0) @binding(3) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> running_var: array<f32>;
@group(0) @binding(5) var<storage, read_write> mean: array<f32>;
@group(0) @binding(6) var<storage, read_write> rstd: array<f32>;

@compute @workgroup_size(64)
fn batch_norm2d_finish(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let c = (group.y * groups.x + group.x) * 64u + lane;
  if (c >= dims.C) { return; }

  var count = 0.0;
  var relative = 0.0;
  var squares = 0.0;
  for (var s = 0u; s < dims.S; s++) {
    let at = s * 3u * dims.C + c;
    let added = partial[at];
    let delta = partial[at + dims.C] - relative;
    let share = added / (count + added);
    relative += delta * share;
    squares += partial[at + 2u * dims.C] + delta * delta * (count * share);
    count += added;
  }
  let average = first[c] + relative;
  let variance = squares / count;
  mean[c] = average;
  rstd[c] = 1.0 / sqrt(variance + dims.eps);
  if (RUNNING == 1u) {
    let keep = 1.0 - dims.momentum;
    running_mean[c] = keep * running_mean[c] + dims.momentum * average;
    running_var[c] = keep * running_var[c] + dims.momentum * dims.correction * variance;
  }
}
