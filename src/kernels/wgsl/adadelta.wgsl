// adadelta: one step of Adadelta, in place.
//
//   g = sign * gradient + weight_decay * parameter
//   square = rho * square + gain * g^2
//   step = sqrt(delta + eps) / sqrt(square + eps) * g
//   delta = rho * delta + gain * step^2
//   parameter -= lr * step
//
// Shapes   scalars [rows] of struct Scalars, one row a parameter
//          gradient, square, delta, parameter [n] under any shape
// Layout   contiguous f32 as vec4; the last vec4 may lie over the end: buffers are multiples of 256 bytes.
// Mapping  one invocation = 4 elements; grid x then y cover the workgroups of 64; large parameters in windows. The host puts
//          `update` once for each of several parameters into one kernel.
// Numerics f32. The first step ignores what is in square and delta, so they need no zero fill.
// Gradient none.
// Source   Zeiler 2012 (arXiv:1212.5701); torch.optim.Adadelta.

struct Dims {
  blocks: u32,
  row: u32,
}

struct Scalars {
  lr: f32,
  rho: f32,
  gain: f32,
  eps: f32,
  sign: f32,
  weight_decay: f32,
  first: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scalars: array<Scalars>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> square: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> delta: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> parameter: array<vec4f>;

fn update(i: u32, s: Scalars) {
  let first = s.first > 0.0;
  let g = s.sign * gradient[i] + s.weight_decay * parameter[i];
  let v = s.rho * select(square[i], vec4f(0.0), first) + s.gain * (g * g);
  let before = select(delta[i], vec4f(0.0), first);
  let step = sqrt(before + s.eps) / sqrt(v + s.eps) * g;
  square[i] = v;
  delta[i] = s.rho * before + s.gain * (step * step);
  parameter[i] -= s.lr * step;
}

@compute @workgroup_size(64)
fn adadelta(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= dims.blocks) { return; }
  update(i, scalars[dims.row]);
}
