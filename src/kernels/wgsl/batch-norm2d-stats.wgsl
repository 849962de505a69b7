// batchNorm2d, statistics: count, mean and squared deviations of each channel over every S-th set of rows.
//
//   partial[s, 0, c] = count, partial[s, 1, c] = mean - first[c], partial[s, 2, c] = sum of (x - mean)^2
//   over the rows m of x[:, c] with m / ROWS % S = s
//   FINISH (with S = 1, over all rows): mean[c], rstd[c] = 1 / sqrt(var[c] + eps) instead, var the mean of (x - mean)^2; and with RUNNING
//            running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean[c],
//            running_var[c]  = (1 - momentum) * running_var[c]  + momentum * correction * var[c]
//
// Shapes   x [M, C], M = N H W, or some rows of it     first: the first row of all [C]     partial [S, 3, C]
//          running_mean, running_var, mean, rstd [C]
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one workgroup = CHANNELS Vs next to each other and one s; one invocation = every ROWS * S-th row of one V; the first CHANNELS
//          invocations then merge the workgroup's parts. Channels first, then s, along grid x then y.
// Numerics relative to the channel's first row, so that a mean far from 0 is not rounded at its own size: the mean is off by
//          eps_f32 (|mean| + |first[c] - mean|). Blocks of 8 rows take two passes in registers and are merged, 16 of them at a
//          time: no difference of large squares anywhere, whatever the mean, and no long chain of roundings.
// Gradient batch-norm2d-grad-sums.wgsl, batch-norm2d-grad-input.wgsl; the running statistics are no part of it.
// Source   Chan, Golub & LeVeque 1983, pairwise update; Ioffe & Szegedy 2015 (arXiv:1502.03167); no atomics.

alias V = f32;
const BLOCK = 8u;
// Blocks that are merged with one another before they are merged with the rest.
const BLOCKS = 16u;
const CHANNELS = 1u;
const ROWS = 64u / CHANNELS;
const FINISH = 0u;
const RUNNING = 0u;

struct Dims {
  M: u32,
  C: u32,
  S: u32,
  eps: f32,
  momentum: f32,
  correction: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> first: array<V>;
@group(0) @binding(3) var<storage, read_write> running_mean: array<V>;
@group(0) @binding(4) var<storage, read_write> running_var: array<V>;
@group(0) @binding(5) var<storage, read_write> mean: array<V>;
@group(0) @binding(6) var<storage, read_write> rstd: array<V>;
@group(0) @binding(7) var<storage, read_write> partial: array<V>;

// Some rows of one V: how many, their mean relative to the first row of all, and the squared deviations from it.
struct Part {
  count: f32,
  mean: V,
  squares: V,
}

var<workgroup> parts: array<Part, 64>;

fn merged(a: Part, b: Part) -> Part {
  let delta = b.mean - a.mean;
  let count = a.count + b.count;
  // Of no rows at all the share is 0.
  let share = b.count / max(count, 1.0);
  return Part(count, a.mean + delta * share, a.squares + b.squares + delta * delta * (a.count * share));
}

@compute @workgroup_size(64)
fn batch_norm2d_stats(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = group.y * groups.x + group.x;
  let sets = (dims.C + CHANNELS - 1u) / CHANNELS;
  if (number >= sets * dims.S) { return; }
  let s = number / sets;
  let channel = number % sets * CHANNELS + lane % CHANNELS;
  // Channels past the end repeat the last one and are not stored.
  let c = min(channel, dims.C - 1u);
  let origin = first[c];
  let row = s * ROWS + lane / CHANNELS;
  let step = dims.S * ROWS;
  var left = select(0u, (dims.M - row + step - 1u) / step, row < dims.M);
  let stride = step * dims.C;
  var address = row * dims.C + c;

  var all = Part(0.0, V(0.0), V(0.0));
  while (left > 0u) {
    let blocks = min(left / BLOCK, BLOCKS);
    var some = Part(0.0, V(0.0), V(0.0));
    for (var turn = 0u; turn < blocks; turn++) {
      var values: array<V, BLOCK>;
      var sum = V(0.0);
      for (var i = 0u; i < BLOCK; i++) { // unroll
        values[i] = x[address + i * stride] - origin;
        sum += values[i];
      }
      let block_mean = sum * (1.0 / f32(BLOCK));
      var squares = V(0.0);
      for (var j = 0u; j < BLOCK; j++) { // unroll
        let deviation = values[j] - block_mean;
        squares += deviation * deviation;
      }
      some = merged(some, Part(f32(BLOCK), block_mean, squares));
      address += BLOCK * stride;
    }
    left -= blocks * BLOCK;
    if (blocks < BLOCKS) {
      for (; left > 0u; left--) {
        some = merged(some, Part(1.0, x[address] - origin, V(0.0)));
        address += stride;
      }
    }
    all = merged(all, some);
  }
  parts[lane] = all;
  workgroupBarrier();
  if (lane >= CHANNELS || channel >= dims.C) { return; }
  for (var other = 1u; other < ROWS; other++) {
    all = merged(all, parts[other * CHANNELS + lane]);
  }
  if (FINISH == 0u) {
    let base = s * 3u * dims.C + c;
    partial[base] = V(all.count);
    partial[base + dims.C] = all.mean;
    partial[base + 2u * dims.C] = all.squares;
    return;
  }
  // The channel's first row is added last: one rounding.
  let average = origin + all.mean;
  let variance = all.squares / all.count;
  mean[c] = average;
  rstd[c] = V(1.0) / sqrt(variance + V(dims.eps));
  if (RUNNING == 1u) {
    let keep = 1.0 - dims.momentum;
    running_mean[c] = keep * running_mean[c] + dims.momentum * average;
    running_var[c] = keep * running_var[c] + dims.momentum * dims.correction * variance;
  }
}
