// adam: one step of Adam or AMSGrad, in place.
//
//   g = gradient + weight_decay * parameter
//   mean = beta1 * mean + (1 - beta1) * g;  variance = beta2 * variance + (1 - beta2) * g^2
//   AMSGRAD:  largest = max(largest, variance), and takes the place of variance below
//   parameter -= lr / (1 - beta1^t) * mean / (sqrt(variance) / sqrt(1 - beta2^t) + eps)
//
// Shapes   scalars [rows, 4]: lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t), eps, first step (0 or 1)
//          gradient, mean, variance, largest, parameter [n] under any shape; largest is not touched unless AMSGRAD
// Layout   contiguous f32 as vec4; the last vec4 may lie over the end: buffers are multiples of 256 bytes.
// Mapping  one invocation = 4 elements; grid x then y cover the workgroups of 64; large parameters in windows.
// Numerics f32; the corrections and 1 - beta come from the host, where doubles lose nothing by the subtraction. The first
//          step ignores what is in mean, variance and largest, so they need no zero fill.
// Gradient none.
// Source   Kingma & Ba 2015; Reddi et al. 2018 (AMSGrad); torch.optim.Adam. What changes from step to step comes from a
//          buffer, as uniform blocks are cached by content.

struct Dims {
  blocks: u32,
  row: u32,
  beta1: f32,
  beta2: f32,
  mean_gain: f32,
  variance_gain: f32,
  weight_decay: f32,
}

const AMSGRAD = 1u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scalars: array<vec4f>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> mean: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> variance: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> largest: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> parameter: array<vec4f>;

@compute @workgroup_size(64)
fn adam(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= dims.blocks) { return; }
  let scalar = scalars[dims.row];
  let first = scalar.w > 0.0;
  let g = gradient[i] + dims.weight_decay * parameter[i];
  let m = dims.beta1 * select(mean[i], vec4f(0.0), first) + dims.mean_gain * g;
  var v = dims.beta2 * select(variance[i], vec4f(0.0), first) + dims.variance_gain * (g * g);
  mean[i] = m;
  variance[i] = v;
  if (AMSGRAD > 0u) {
    v = max(v, select(largest[i], vec4f(0.0), first));
    largest[i] = v;
  }
  parameter[i] -= scalar.x * m / (sqrt(v) * scalar.y + scalar.z);
}
