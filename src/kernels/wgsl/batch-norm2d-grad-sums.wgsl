// batchNorm2d, gradient: the two sums that every one of its gradients needs, over every S-th row.
//
//   partial[s, 0, c] = sum of grad_output[m, c], partial[s, 1, c] = sum of grad_output[m, c] * (x[m, c] - mean[c]) * rstd[c]
//   over the rows m = s, s + S, s + 2 S, ... < M; summed over s they are the gradients of bias and weight
//
// Shapes   grad_output, x [M, C], M = N H W     mean, rstd [C]     partial [S, 2, C], summed over s by reduce.wgsl
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one invocation = one (s, c); neighbours read neighbouring addresses; grid x then y.
// Numerics four running values each, combined at the end: |error| <= rows / 4 * eps_f32 * sum |terms|, typically its root.
// Gradient none: second derivatives are composed from ops (src/tensor/ops/batch-norm2d.ts).
// Source   Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3.

alias V = f32;
const BLOCK = 4u;

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
@group(0) @binding(5) var<storage, read_write> partial: array<V>;

@compute @workgroup_size(64)
fn batch_norm2d_grad_sums(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.S * dims.C) { return; }
  let s = index / dims.C;
  let c = index - s * dims.C;
  let average = mean[c];
  let step = dims.S * dims.C;
  let rows = (dims.M - s + dims.S - 1u) / dims.S;
  let blocks = rows / BLOCK;

  var plain: array<V, BLOCK>;
  var weighted: array<V, BLOCK>;
  var address = index;
  for (var turn = 0u; turn < blocks; turn++) {
    for (var i = 0u; i < BLOCK; i++) { // unroll
      let g = grad_output[address + i * step];
      plain[i] += g;
      weighted[i] += g * (x[address + i * step] - average);
    }
    address += BLOCK * step;
  }
  for (var row = blocks * BLOCK; row < rows; row++) {
    let g = grad_output[address];
    plain[0] += g;
    weighted[0] += g * (x[address] - average);
    address += step;
  }
  let base = s * 2u * dims.C + c;
  partial[base] = (plain[0] + plain[1]) + (plain[2] + plain[3]);
  partial[base + dims.C] = rstd[c] * ((weighted[0] + weighted[1]) + (weighted[2] + weighted[3]));
}
