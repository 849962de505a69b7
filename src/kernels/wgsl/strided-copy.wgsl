// strided-copy: output[output_offset + sum over axes of p * output_stride] = input[input_offset + sum over axes of p * input_stride].
//
// Shapes   p runs over an index space of n elements with at most 8 axes; what of the output it does not reach is left alone.
// Layout   32-bit words, copied bit by bit: any element type. Strides are signed, so a flip is a negative stride.
// Mapping  one invocation = 4 elements, 64 apart; a workgroup covers 256; grid x then y cover the workgroups.
// Numerics exact.
// Gradient strided-scatter.wgsl (slice); strided-copy.wgsl itself (transpose, concat).
// Source   NumPy's strided views; the host merges axes, so RANK is the number of axes that are left.

struct Dims {
  n: u32,
  input_offset: i32,
  output_offset: i32,
  shape: array<vec4u, 2>,
  input_strides: array<vec4i, 2>,
  output_strides: array<vec4i, 2>,
}

const RANK = 1u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn strided_copy(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 256u + lane;
  for (var part = 0u; part < 4u; part++) {
    let i = first + part * 64u;
    if (i >= dims.n) { return; }
    var source = dims.input_offset;
    var destination = dims.output_offset;
    var rest = i;
    for (var from_last = 0u; from_last < RANK; from_last++) { // unroll
      let axis = RANK - 1u - from_last;
      let size = dims.shape[axis / 4u][axis % 4u];
      let position = i32(rest % size);
      rest /= size;
      source += position * dims.input_strides[axis / 4u][axis % 4u];
      destination += position * dims.output_strides[axis / 4u][axis % 4u];
    }
    output[destination] = input[source];
  }
}
