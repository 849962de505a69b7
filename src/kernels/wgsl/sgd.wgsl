// sgd: one step of stochastic gradient descent, in place.
//
//   g = gradient + weight_decay * parameter
//   momentum > 0:  buffer = momentum * buffer + damping * g  (g alone in a parameter's first step)
//                  g = nesterov ? g + momentum * buffer : buffer
//   parameter -= lr * g
//
// Shapes   scalars [rows, 4]: lr, damping (1 - dampening, 1 in the first step), first step (0 or 1), unused
//          gradient, buffer, parameter [n] under any shape; buffer is not touched unless MOMENTUM
// Layout   contiguous f32 as vec4; the last vec4 may lie over the end: buffers are multiples of 256 bytes.
// Mapping  one invocation = 4 elements; grid x then y cover the workgroups of 64; large parameters in windows.
// Numerics f32, one rounding an operation. The first step ignores what is in `buffer`, so it needs no zero fill.
// Gradient none.
// Source   torch.optim.SGD. What changes from step to step comes from a buffer, as uniform blocks are cached by content.

struct Dims {
  blocks: u32,
  row: u32,
  momentum: f32,
  weight_decay: f32,
}

const MOMENTUM = 1u;
const NESTEROV = 0u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scalars: array<vec4f>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> buffer: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> parameter: array<vec4f>;

@compute @workgroup_size(64)
fn sgd(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= dims.blocks) { return; }
  let scalar = scalars[dims.row];
  var g = gradient[i] + dims.weight_decay * parameter[i];
  if (MOMENTUM > 0u) {
    let before = select(buffer[i], vec4f(0.0), scalar.z > 0.0);
    let velocity = dims.momentum * before + scalar.y * g;
    buffer[i] = velocity;
    g = select(velocity, g + dims.momentum * velocity, NESTEROV > 0u);
  }
  parameter[i] -= scalar.x * g;
}
