// batchNorm2d, statistics: merges every T-th partial result of batch-norm2d-stats.wgsl.
//
//   merged[t, :, c] = count, mean and squared deviations of the union of partial[t, t + T, t + 2 T, ... < S, :, c]
//
// Shapes   partial [S, 3, C]     merged [T, 3, C]; the host repeats it on its own output until few are left.
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one invocation = one (t, c); neighbours read neighbouring addresses; grid x then y.
// Numerics Chan's update: each merge adds positive terms only. Counts are exact up to 2^24.
// Gradient batch-norm2d-grad-sums.wgsl, batch-norm2d-grad-input.wgsl.
// Source   Chan, Golub & LeVeque 1983; no barrier, no atomics.

alias V = f32;

struct Dims {
  S: u32,
  T: u32,
  C: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> partial: array<V>;
@group(0) @binding(2) var<storage, read_write> merged: array<V>;

@compute @workgroup_size(64)
fn batch_norm2d_merge(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.T * dims.C) { return; }
  let t = index / dims.C;
  let c = index - t * dims.C;

  var count = V(0.0);
  var mean = V(0.0);
  var squares = V(0.0);
  for (var s = t; s < dims.S; s += dims.T) {
    let at = s * 3u * dims.C + c;
    let added = partial[at];
    let delta = partial[at + dims.C] - mean;
    let share = added / (count + added);
    mean += delta * share;
    squares += partial[at + 2u * dims.C] + delta * delta * (count * share);
    count += added;
  }
  let base = t * 3u * dims.C + c;
  merged[base] = count;
  merged[base + dims.C] = mean;
  merged[base + 2u * dims.C] = squares;
}
