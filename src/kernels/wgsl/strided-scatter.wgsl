// strided-scatter: writes the input into a strided region of the output, and a fill value around and between.
//
//   output[start + p * step, axis by axis] = input[p]; every other element of the output = fill
//
// Shapes   output [n] under any shape of at most 8 axes; input of `counts` elements along each axis.
// Layout   row-major, contiguous, 32-bit words, copied bit by bit: any element type; `fill` is the bits of an element.
// Mapping  one invocation = 4 output elements, 64 apart; a workgroup covers 256; grid x then y cover the workgroups.
// Numerics exact; each output element is written once, by the invocation that owns it.
// Gradient strided-copy.wgsl (slice).
// Source   the transpose of NumPy's basic slicing; the host merges axes, so RANK is the number of axes that are left.

struct Dims {
  n: u32,
  fill: u32,
  shape: array<vec4u, 2>,
  counts: array<vec4u, 2>,
  starts: array<vec4i, 2>,
  steps: array<vec4i, 2>,
}

const RANK = 1u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn strided_scatter(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 256u + lane;
  for (var part = 0u; part < 4u; part++) {
    let i = first + part * 64u;
    if (i >= dims.n) { return; }
    var source = 0u;
    var stride = 1u;
    var inside = true;
    var rest = i;
    for (var from_last = 0u; from_last < RANK; from_last++) { // unroll
      let axis = RANK - 1u - from_last;
      let size = dims.shape[axis / 4u][axis % 4u];
      let count = dims.counts[axis / 4u][axis % 4u];
      let step = dims.steps[axis / 4u][axis % 4u];
      let distance = i32(rest % size) - dims.starts[axis / 4u][axis % 4u];
      rest /= size;
      let position = distance / step;
      // A negative position becomes a large unsigned number.
      inside = inside && position * step == distance && u32(position) < count;
      source += u32(position) * stride;
      stride *= count;
    }
    output[i] = select(dims.fill, input[select(0u, source, inside)], inside);
  }
}
