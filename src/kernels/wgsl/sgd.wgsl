// sgd: one step of stochastic gradient descent, in place.
//
//   g = sign * gradient + weight_decay * parameter
//   MOMENTUM:  momentum = decay * momentum + damping * g  (g alone in a parameter's first step)
//              g = NESTEROV ? g + decay * momentum : momentum
//   parameter -= lr * g
//
// Shapes   scalars [rows] of struct Scalars, one row a parameter
//          gradient, momentum, parameter [n] under any shape; momentum is not touched unless MOMENTUM
// Layout   contiguous f32 as vec4; the last vec4 may lie over the end: buffers are multiples of 256 bytes.
// Mapping  one invocation = 4 elements; grid x then y cover the workgroups of 64; large parameters in windows. The host puts
//          `update` once for each of several parameters into one kernel.
// Numerics f32, one rounding an operation. The first step ignores what is in `momentum`, so it needs no zero fill.
// Gradient none.
// Source   torch.optim.SGD. The numbers come from a buffer, as they may change from step to step and uniform blocks are
//          cached by content.

struct Dims {
  blocks: u32,
  row: u32,
}

struct Scalars {
  lr: f32,
  sign: f32,
  weight_decay: f32,
  decay: f32,
  damping: f32,
  first: f32,
}

const MOMENTUM = 1u;
const NESTEROV = 0u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scalars: array<Scalars>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> momentum: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> parameter: array<vec4f>;

fn update(i: u32, s: Scalars) {
  var g = s.sign * gradient[i] + s.weight_decay * parameter[i];
  if (MOMENTUM > 0u) {
    let before = select(momentum[i], vec4f(0.0), s.first > 0.0);
    let velocity = s.decay * before + s.damping * g;
    momentum[i] = velocity;
    g = select(velocity, g + s.decay * velocity, NESTEROV > 0u);
  }
  parameter[i] -= s.lr * g;
}

@compute @workgroup_size(64)
fn sgd(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= dims.blocks) { return; }
  update(i, scalars[dims.row]);
}
