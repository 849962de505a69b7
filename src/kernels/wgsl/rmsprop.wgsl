// rmsprop: one step of RMSprop, in place.
//
//   g = sign * gradient + weight_decay * parameter
//   square = alpha * square + gain * g^2
//   CENTERED:  average = alpha * average + gain * g;  root = sqrt(max(square - average^2, 0)) + eps, else sqrt(square) + eps
//   MOMENTUM:  momentum = decay * momentum + g / root;  parameter -= lr * momentum, else parameter -= lr * g / root
//
// Shapes   scalars [rows] of struct Scalars, one row a parameter
//          gradient, square, average, momentum, parameter [n] under any shape; average and momentum are not touched unless
//          CENTERED and MOMENTUM
// Layout   contiguous f32 as vec4; the last vec4 may lie over the end: buffers are multiples of 256 bytes.
// Mapping  one invocation = 4 elements; grid x then y cover the workgroups of 64; large parameters in windows. The host puts
//          `update` once for each of several parameters into one kernel.
// Numerics f32; square - average^2 may round below 0, where the root counts as 0. The first step ignores what is in the
//          state, so it needs no zero fill.
// Gradient none.
// Source   Tieleman & Hinton 2012; Graves 2013 (centered); torch.optim.RMSprop.

struct Dims {
  blocks: u32,
  row: u32,
}

struct Scalars {
  lr: f32,
  alpha: f32,
  gain: f32,
  eps: f32,
  decay: f32,
  sign: f32,
  weight_decay: f32,
  first: f32,
}

const CENTERED = 1u;
const MOMENTUM = 1u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scalars: array<Scalars>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> square: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> average: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> momentum: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> parameter: array<vec4f>;

fn update(i: u32, s: Scalars) {
  let first = s.first > 0.0;
  let g = s.sign * gradient[i] + s.weight_decay * parameter[i];
  let v = s.alpha * select(square[i], vec4f(0.0), first) + s.gain * (g * g);
  square[i] = v;
  var spread = v;
  if (CENTERED > 0u) {
    let a = s.alpha * select(average[i], vec4f(0.0), first) + s.gain * g;
    average[i] = a;
    spread = max(v - a * a, vec4f(0.0));
  }
  var step = g / (sqrt(spread) + s.eps);
  if (MOMENTUM > 0u) {
    step += s.decay * select(momentum[i], vec4f(0.0), first);
    momentum[i] = step;
  }
  parameter[i] -= s.lr * step;
}

@compute @workgroup_size(64)
fn rmsprop(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= dims.blocks) { return; }
  update(i, scalars[dims.row]);
}
