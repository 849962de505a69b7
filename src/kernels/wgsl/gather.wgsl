// gather: the elements of one axis that indices name.
//
//   output[o, k, i] = input[o, indices[k], i], or input[o, indices[o, k, i], i] when EACH; 0 where an index is outside the axis
//
// Shapes   input [OUTER, L, INNER]     indices [K], or [OUTER, K, INNER] when EACH     output [OUTER, K, INNER]
// Layout   row-major, contiguous, 32-bit words, copied bit by bit; a negative index is a large unsigned one.
// Mapping  one invocation = one output element; workgroups of 64, numbered over grid x then y.
// Numerics exact. index-check.wgsl notes indices outside of the axis.
// Gradient scatter-sum.wgsl.
// Source   torch.gather and torch.index_select.

struct Dims {
  n: u32,
  L: u32,
  K: u32,
  inner: u32,
}

const EACH = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn gather(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let i = index % dims.inner;
  let k = (index / dims.inner) % dims.K;
  let o = index / (dims.inner * dims.K);
  let place = indices[select(k, index, EACH)];
  let inside = place < dims.L;
  let value = input[(o * dims.L + select(0u, place, inside)) * dims.inner + i];
  output[index] = select(0u, value, inside);
}
