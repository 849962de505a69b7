// batchNorm2d, gradient: the two sums that every one of its gradients needs, over every S-th set of rows.
//
//   grad_bias[s, c] = sum of grad_output[m, c], grad_weight[s, c] = sum of grad_output[m, c] * (x[m, c] - mean[c]) * rstd[c]
//   over the rows m with m / ROWS % S = s; with S = 1 the gradients themselves
//
// Shapes   grad_output, x [M, C], M = N H W     mean, rstd [C]     grad_bias, grad_weight [S, C], summed over s by reduce.wgsl
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one workgroup = CHANNELS Vs next to each other and one s; one invocation = every ROWS * S-th row of one V; the first CHANNELS
//          invocations then add up the workgroup's sums. Channels first, then s, along grid x then y.
// Numerics four running values each, added to the sum of all every 64 rows, so that no long chain of roundings arises.
// Gradient none: second derivatives are composed from ops (src/tensor/ops/batch-norm2d.ts).
// Source   Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3.

alias V = f32;
const BLOCK = 4u;
// Blocks that are added to one another before they are added to the rest.
const BLOCKS = 16u;
const CHANNELS = 1u;
const ROWS = 64u / CHANNELS;

struct Dims {
  M: u32,
  C: u32,
  S: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> grad_output: array<V>;
@group(0) @binding(2) var<storage, read> x: array<V>;
@group(0) @binding(3) var<storage, read> mean: array<V>;
@group(0) @binding(4) var<storage, read> rstd: array<V>;
@group(0) @binding(5) var<storage, read_write> grad_bias: array<V>;
@group(0) @binding(6) var<storage, read_write> grad_weight: array<V>;

var<workgroup> plain_sums: array<V, 64>;
var<workgroup> weighted_sums: array<V, 64>;

@compute @workgroup_size(64)
fn batch_norm2d_grad_sums(
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
  let average = mean[c];
  let row = s * ROWS + lane / CHANNELS;
  let step = dims.S * ROWS;
  var left = select(0u, (dims.M - row + step - 1u) / step, row < dims.M);
  let stride = step * dims.C;
  var address = row * dims.C + c;

  var plain_sum = V(0.0);
  var weighted_sum = V(0.0);
  while (left > 0u) {
    let blocks = min(left / BLOCK, BLOCKS);
    // Zeros in so many words: without them lavapipe keeps what the turn before left.
    var plain = array<V, BLOCK>();
    var weighted = array<V, BLOCK>();
    for (var turn = 0u; turn < blocks; turn++) {
      for (var i = 0u; i < BLOCK; i++) { // unroll
        let g = grad_output[address + i * stride];
        plain[i] += g;
        weighted[i] += g * (x[address + i * stride] - average);
      }
      address += BLOCK * stride;
    }
    left -= blocks * BLOCK;
    if (blocks < BLOCKS) {
      for (; left > 0u; left--) {
        let g = grad_output[address];
        plain[0] += g;
        weighted[0] += g * (x[address] - average);
        address += stride;
      }
    }
    plain_sum += (plain[0] + plain[1]) + (plain[2] + plain[3]);
    weighted_sum += (weighted[0] + weighted[1]) + (weighted[2] + weighted[3]);
  }
  plain_sums[lane] = plain_sum;
  weighted_sums[lane] = weighted_sum;
  workgroupBarrier();
  if (lane >= CHANNELS || channel >= dims.C) { return; }
  for (var other = 1u; other < ROWS; other++) {
    plain_sum += plain_sums[other * CHANNELS + lane];
    weighted_sum += weighted_sums[other * CHANNELS + lane];
  }
  grad_bias[s * dims.C + c] = plain_sum;
  grad_weight[s * dims.C + c] = rstd[c] * weighted_sum;
}
