// adamax: one step of Adamax, in place.
//
//   g = sign * gradient + weight_decay * parameter
//   mean = beta1 * mean + mean_gain * g;  largest = max(beta2 * largest, |g| + eps)
//   parameter -= lr * mean / largest
//
// Shapes   scalars [rows] of struct Scalars, one row a parameter
//          gradient, mean, largest, parameter [n] under any shape
// Layout   contiguous f32 as vec4; the last vec4 may lie over the end: buffers are multiples of 256 bytes.
// Mapping  one invocation = 4 elements; grid x then y cover the workgroups of 64; large parameters in windows. The host puts
//          `update` once for each of several parameters into one kernel.
// Numerics f32; the correction of the mean is in lr. The first step ignores what is in the state, so it needs no zero fill.
// Gradient none.
// Source   Kingma & Ba 2015, section 7.1; torch.optim.Adamax.

struct Dims {
  blocks: u32,
  row: u32,
}

struct Scalars {
  lr: f32,
  beta1: f32,
  mean_gain: f32,
  beta2: f32,
  eps: f32,
  sign: f32,
  weight_decay: f32,
  first: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scalars: array<Scalars>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> mean: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> largest: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> parameter: array<vec4f>;

fn update(i: u32, s: Scalars) {
  let first = s.first > 0.0;
  let g = s.sign * gradient[i] + s.weight_decay * parameter[i];
  let m = s.beta1 * select(mean[i], vec4f(0.0), first) + s.mean_gain * g;
  let most = max(s.beta2 * select(largest[i], vec4f(0.0), first), abs(g) + s.eps);
  mean[i] = m;
  largest[i] = most;
  parameter[i] -= s.lr * (m / most);
}

@compute @workgroup_size(64)
fn adamax(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= dims.blocks) { return; }
  update(i, scalars[dims.row]);
}
