// batchNorm2d, statistics: count, mean and squared deviations of each channel over every S-th row.
//
//   partial[s, 0, c] = count, partial[s, 1, c] = mean - first[c], partial[s, 2, c] = sum of (x - mean)^2
//   over the rows s, s + S, s + 2 S, ... < M of x[:, c]
//
// Shapes   x [M, C], M = N H W, or some rows of it     first: the first row of all [C]     partial [S, 3, C]
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one invocation = one (s, c); neighbours read neighbouring addresses; grid x then y.
// Numerics relative to the channel's first row, so that a mean far from 0 is not rounded at its own size: the mean is off by
//          eps_f32 (|mean| + |first[c] - mean|). Blocks of 8 rows take two passes in registers and are merged: no difference of
//          large squares anywhere, whatever the mean.
// Gradient batch-norm2d-grad-sums.wgsl, batch-norm2d-grad-input.wgsl.
// Source   Chan, Golub & LeVeque 1983, pairwise update; no barrier, no atomics.

alias V = f32;
const BLOCK = 8u;

struct Dims {
  M: u32,
  C: u32,
  S: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> first: array<V>;
@group(0) @binding(3) var<storage, read_write> partial: array<V>;

@compute @workgroup_size(64)
fn batch_norm2d_stats(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.S * dims.C) { return; }
  let s = index / dims.C;
  let c = index - s * dims.C;
  let origin = first[c];
  let step = dims.S * dims.C;
  let rows = (dims.M - s + dims.S - 1u) / dims.S;
  let blocks = rows / BLOCK;

  var address = index;
  var count = 0.0;
  var mean = V(0.0);
  var squares = V(0.0);
  for (var turn = 0u; turn < blocks; turn++) {
    var values: array<V, BLOCK>;
    var sum = V(0.0);
    for (var i = 0u; i < BLOCK; i++) { // unroll
      values[i] = x[address + i * step] - origin;
      sum += values[i];
    }
    let block_mean = sum * (1.0 / f32(BLOCK));
    for (var j = 0u; j < BLOCK; j++) { // unroll
      let deviation = values[j] - block_mean;
      squares += deviation * deviation;
    }
    let delta = block_mean - mean;
    let share = f32(BLOCK) / (count + f32(BLOCK));
    mean += delta * share;
    squares += delta * delta * (count * share);
    count += f32(BLOCK);
    address += BLOCK * step;
  }
  for (var row = blocks * BLOCK; row < rows; row++) {
    let delta = x[address] - origin - mean;
    let share = 1.0 / (count + 1.0);
    mean += delta * share;
    squares += delta * delta * (count * share);
    count += 1.0;
    address += step;
  }
  let base = s * 3u * dims.C + c;
  partial[base] = V(count);
  partial[base + dims.C] = mean;
  partial[base + 2u * dims.C] = squares;
}
