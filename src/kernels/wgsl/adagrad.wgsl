// adagrad: one step of Adagrad, in place.
//
//   g = sign * gradient + weight_decay * parameter
//   total = total + g^2  (initial + g^2 in a parameter's first step)
//   parameter -= lr * g / (sqrt(total) + eps)
//
// Shapes   scalars [rows] of struct Scalars, one row a parameter
//          gradient, total, parameter [n] under any shape
// Layout   contiguous f32 as vec4; the last vec4 may lie over the end: buffers are multiples of 256 bytes.
// Mapping  one invocation = 4 elements; grid x then y cover the workgroups of 64; large parameters in windows. The host puts
//          `update` once for each of several parameters into one kernel.
// Numerics f32. The first step ignores what is in total, so it needs no fill.
// Gradient none.
// Source   Duchi, Hazan & Singer 2011; torch.optim.Adagrad, whose decay of the learning rate is in lr.

struct Dims {
  blocks: u32,
  row: u32,
}

struct Scalars {
  lr: f32,
  eps: f32,
  initial: f32,
  sign: f32,
  weight_decay: f32,
  first: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scalars: array<Scalars>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> total: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> parameter: array<vec4f>;

fn update(i: u32, s: Scalars) {
  let g = s.sign * gradient[i] + s.weight_decay * parameter[i];
  let v = select(total[i], vec4f(s.initial), s.first > 0.0) + g * g;
  total[i] = v;
  parameter[i] -= s.lr * (g / (sqrt(v) + s.eps));
}

@compute @workgroup_size(64)
fn adagrad(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= dims.blocks) { return; }
  update(i, scalars[dims.row]);
}
