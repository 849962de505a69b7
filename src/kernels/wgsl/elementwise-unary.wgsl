// elementwise, 1 input: output[i] = apply(x[i]).
//
// Shapes   output [n] under any shape of at most 8 axes; x the same: one input has nothing to be broadcast to.
// Layout   row-major, contiguous, 32-bit elements; `bool` is a u32 that is 0 or 1.
// Mapping  one invocation = 4 outputs, 64 apart; a workgroup covers 256; grid x then y cover the workgroups.
// Numerics one rounding per WGSL operation of `apply`, which may call the functions of maths/.
// Gradient rows of the same table (src/tensor/ops/elementwise/), which gives `apply` and the types.
// Source   elementwise-binary.wgsl, without strides.

struct Dims {
  n: u32,
  // Numbers that the formula may use.
  a: f32,
  b: f32,
  c: f32,
}

alias X = f32;
alias OUT = f32;

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
    output[i] = apply(x[i]);
  }
}
