// batchNorm2d: normalises each channel with a given mean and spread.
//
//   output[m, c] = (x[m, c] - mean[c]) * scale_of(spread[c]) * weight[c] + bias[c]
//
// Shapes   x, output [M, C], M = N H W     weight, bias, mean, spread [C]
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one invocation = 4 Vs of the output, STEP apart: STEP is a multiple of C, so they are one channel's, whose four
//          numbers are read once. Neighbours read neighbouring addresses; grid x then y covers STEP.
// Numerics subtracts the mean first, so a large mean costs no more than its own rounding. `spread` is rstd as it is, or, with
//          scale_of = 1 / sqrt(v + eps), a variance.
// Gradient batch-norm2d-grad-sums.wgsl (weight, bias), batch-norm2d-grad-input.wgsl (x).
// Source   Ioffe & Szegedy 2015 (arXiv:1502.03167), algorithms 1 and 2.

alias V = f32;

struct Dims {
  n: u32,
  C: u32,
  STEP: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> weight: array<V>;
@group(0) @binding(3) var<storage, read> bias: array<V>;
@group(0) @binding(4) var<storage, read> mean: array<V>;
@group(0) @binding(5) var<storage, read> spread: array<V>;
@group(0) @binding(6) var<storage, read_write> output: array<V>;

fn scale_of(v: V) -> V { return v; }

@compute @workgroup_size(64)
fn batch_norm2d(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 64u + lane;
  if (first >= dims.STEP) { return; }
  let c = first % dims.C;
  let centre = mean[c];
  let factor = scale_of(spread[c]) * weight[c];
  let offset = bias[c];
  for (var part = 0u; part < 4u; part++) {
    let i = first + part * dims.STEP;
    if (i >= dims.n) { return; }
    output[i] = (x[i] - centre) * factor + offset;
  }
}
