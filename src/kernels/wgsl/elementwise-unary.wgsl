// elementwise, 1 input: output[i] = apply(x[..]), with broadcasting.
//
// Shapes   output [n] under any shape of at most 8 axes; x broadcast to it by strides (0 where it has size 1).
// Layout   row-major, contiguous, 32-bit elements; `bool` is a u32 that is 0 or 1.
// Mapping  one invocation = 4 outputs, 64 apart; a workgroup covers 256; grid x then y cover the workgroups.
// Numerics one rounding per WGSL operation of `apply`, which may call the functions of maths/.
// Gradient rows of the same table (src/tensor/ops/elementwise/), which gives `apply` and the types.
// Source   NumPy's broadcasting rule; the host merges axes, so RANK is the number of axes that are left (0: plain or one element).

struct Dims {
  n: u32,
  // Numbers that the formula may use.
  a: f32,
  b: f32,
  c: f32,
  shape: array<vec4u, 2>,
  x_strides: array<vec4u, 2>,
}

alias X = f32;
alias OUT = f32;
const RANK = 0u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<X>;
@group(0) @binding(2) var<storage, read_write> output: array<OUT>;

fn apply(x: X) -> OUT { return x; }

@compute @workgroup_size(64)
fn elementwise_unary(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 256u + lane;
  for (var part = 0u; part < 4u; part++) {
    let i = first + part * 64u;
    if (i >= dims.n) { return; }
    var x_index = i * dims.x_strides[0].x;
    if (RANK > 0u) {
      x_index = 0u;
      var rest = i;
      for (var from_last = 0u; from_last < RANK; from_last++) { // unroll
        let axis = RANK - 1u - from_last;
        let size = dims.shape[axis / 4u][axis % 4u];
        let position = rest % size;
        rest /= size;
        x_index += position * dims.x_strides[axis / 4u][axis % 4u];
      }
    }
    output[i] = apply(x[x_index]);
  }
}
