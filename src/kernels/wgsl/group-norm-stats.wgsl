// groupNorm, statistics: count, mean and squared deviations of every group of every image over every S-th of its elements.
//
//   partial[s, 0, j] = count, partial[s, 1, j] = mean - x's first element of group j, partial[s, 2, j] = sum of (x - mean)^2
//   over the elements s, s + S, s + 2 S, ... < P D of group j = n G + g, which are x[n, p, g, d] with p D + d counted up
//
// Shapes   x [N, P, G, D]     partial [S, 3, J], J = N G
// Layout   row-major, contiguous, f32. ONE is "D" where D is 1, "P" where P is 1, so that an element is found without dividing.
// Mapping  one invocation = one (s, j); neighbours differ in s where ONE is "P", else in j; grid x then y.
// Numerics relative to the group's first element, so that a mean far from 0 is not rounded at its own size. Blocks of 8 elements
//          take two passes in registers and are merged: no difference of large squares anywhere.
// Gradient composed of ops in tensor/ops/group-norm.ts.
// Source   Chan, Golub & LeVeque 1983, pairwise update; as batch-norm2d-stats.wgsl, whose merge this shares.

const BLOCK = 8u;
// 0: neither P nor D is 1; 1: D is; 2: P is.
const ONE = 0u;

struct Dims {
  J: u32,
  P: u32,
  G: u32,
  D: u32,
  S: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;

// Element e of a group, counted from the group's first.
fn place(e: u32) -> u32 {
  if (ONE == 1u) { return e * dims.G; }
  if (ONE == 2u) { return e; }
  let p = e / dims.D;
  return p * (dims.G - 1u) * dims.D + e;
}

@compute @workgroup_size(64)
fn group_norm_stats(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.S * dims.J) { return; }
  let s = select(index / dims.J, index % dims.S, ONE == 2u);
  let j = select(index % dims.J, index / dims.S, ONE == 2u);
  let n = j / dims.G;
  let base = (n * dims.P * dims.G + j - n * dims.G) * dims.D;
  let origin = x[base];
  let elements = (dims.P * dims.D - s + dims.S - 1u) / dims.S;
  let blocks = elements / BLOCK;

  var at = s;
  var count = 0.0;
  var mean = 0.0;
  var squares = 0.0;
  for (var turn = 0u; turn < blocks; turn++) {
    var values: array<f32, BLOCK>;
    var sum = 0.0;
    for (var i = 0u; i < BLOCK; i++) { // unroll
      values[i] = x[base + place(at + i * dims.S)] - origin;
      sum += values[i];
    }
    let block_mean = sum * (1.0 / f32(BLOCK));
    for (var k = 0u; k < BLOCK; k++) { // unroll
      let deviation = values[k] - block_mean;
      squares += deviation * deviation;
    }
    let delta = block_mean - mean;
    let share = f32(BLOCK) / (count + f32(BLOCK));
    mean += delta * share;
    squares += delta * delta * (count * share);
    count += f32(BLOCK);
    at += BLOCK * dims.S;
  }
  for (var rest = blocks * BLOCK; rest < elements; rest++) {
    let delta = x[base + place(at)] - origin - mean;
    let share = 1.0 / (count + 1.0);
    mean += delta * share;
    squares += delta * delta * (count * share);
    count += 1.0;
    at += dims.S;
  }
  partial[s * 3u * dims.J + j] = count;
  partial[(s * 3u + 1u) * dims.J + j] = mean;
  partial[(s * 3u + 2u) * dims.J + j] = squares;
}
