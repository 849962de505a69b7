// groupNorm, statistics: the last merge, and what the normalisation needs.
//
//   mean[j] + rest[j], var[j] = of the union of partial[:, :, j]; rstd[j] = 1 / sqrt(var[j] + eps)
//
// Shapes   partial [S, 3, J]     x: its first elements of each group     mean, rest, rstd [J], J = N G
// Layout   row-major, contiguous, f32.
// Mapping  one invocation = one group of one image. Three outputs, because they are three numbers of one group: passes less.
// Numerics Chan's update; the group's first element, which the partial means are relative to, is added last. What that addition
//          rounds away is kept as rest, so that a large mean costs the normalised values nothing.
// Gradient composed of ops in tensor/ops/group-norm.ts.
// Source   Wu & He 2018 (arXiv:1803.08494); Ba, Kiros & Hinton 2016 (arXiv:1607.06450) for one group.

struct Dims {
  J: u32,
  P: u32,
  G: u32,
  D: u32,
  S: u32,
  eps: f32,
  // 0, which the compiler cannot know: it would take (origin + relative) - origin for relative.
  zero: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> rest: array<f32>;
@group(0) @binding(5) var<storage, read_write> rstd: array<f32>;

@compute @workgroup_size(64)
fn group_norm_finish(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let j = (group.y * groups.x + group.x) * 64u + lane;
  if (j >= dims.J) { return; }

  var count = 0.0;
  var relative = 0.0;
  var squares = 0.0;
  for (var s = 0u; s < dims.S; s++) {
    let added = partial[s * 3u * dims.J + j];
    let delta = partial[(s * 3u + 1u) * dims.J + j] - relative;
    let share = added / (count + added);
    relative += delta * share;
    squares += partial[(s * 3u + 2u) * dims.J + j] + delta * delta * (count * share);
    count += added;
  }
  let n = j / dims.G;
  let origin = x[(n * dims.P * dims.G + j - n * dims.G) * dims.D];
  let average = bitcast<f32>(bitcast<u32>(origin + relative) ^ dims.zero);
  mean[j] = average;
  rest[j] = relative - (average - origin);
  rstd[j] = 1.0 / sqrt(squares / count + dims.eps);
}
