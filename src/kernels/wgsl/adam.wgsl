// adam: one step of Adam, AMSGrad, AdamW, NAdam or RAdam, in place.
//
//   g = sign * gradient + weight_decay * parameter
//   mean = beta1 * mean + mean_gain * g;  variance = beta2 * variance + variance_gain * g^2
//   AMSGRAD:  largest = max(largest, variance), and takes the place of variance below
//   parameter = keep * parameter - (mean_step * mean + gradient_step * g) / (sqrt(variance) * inverse_root + eps)
//
// Shapes   scalars [rows] of struct Scalars, one row a parameter
//          gradient, mean, variance, largest, parameter [n] under any shape; largest is not touched unless AMSGRAD
// Layout   contiguous f32 as vec4; the last vec4 may lie over the end: buffers are multiples of 256 bytes.
// Mapping  one invocation = 4 elements; grid x then y cover the workgroups of 64; large parameters in windows. The host puts
//          `update` once for each of several parameters into one kernel.
// Numerics f32; the corrections and 1 - beta come from the host, where doubles lose nothing by the subtraction. The first
//          step ignores what is in mean, variance and largest, so they need no zero fill.
// Gradient none.
// Source   Kingma & Ba 2015; Reddi et al. 2018 (AMSGrad); Loshchilov & Hutter 2019 (AdamW); Dozat 2016 (NAdam); Liu et al.
//          2020 (RAdam); torch.optim. The numbers come from a buffer, as they change from step to step and uniform blocks are
//          cached by content.

struct Dims {
  blocks: u32,
  row: u32,
}

struct Scalars {
  mean_step: f32,
  gradient_step: f32,
  inverse_root: f32,
  eps: f32,
  beta1: f32,
  beta2: f32,
  mean_gain: f32,
  variance_gain: f32,
  sign: f32,
  weight_decay: f32,
  keep: f32,
  first: f32,
}

const AMSGRAD = 1u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scalars: array<Scalars>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> mean: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> variance: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> largest: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> parameter: array<vec4f>;

fn update(i: u32, s: Scalars) {
  let first = s.first > 0.0;
  let g = s.sign * gradient[i] + s.weight_decay * parameter[i];
  let m = s.beta1 * select(mean[i], vec4f(0.0), first) + s.mean_gain * g;
  var v = s.beta2 * select(variance[i], vec4f(0.0), first) + s.variance_gain * (g * g);
  mean[i] = m;
  variance[i] = v;
  if (AMSGRAD > 0u) {
    v = max(v, select(largest[i], vec4f(0.0), first));
    largest[i] = v;
  }
  let step = s.mean_step * m + s.gradient_step * g;
  parameter[i] = s.keep * parameter[i] - step / (sqrt(v) * s.inverse_root + s.eps);
}

@compute @workgroup_size(64)
fn adam(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= dims.blocks) { return; }
  update(i, scalars[dims.row]);
}
