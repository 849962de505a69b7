// scatter-sum: the transpose of gather: each place of an axis sums the elements whose index names it.
//
//   output[o, r, i] = sum over k with indices[k] = r (indices[o, k, i] = r when EACH) of input[o, k, i]
//
// Shapes   input [OUTER, K, INNER]     indices, order [K], or [OUTER, K, INNER] when EACH     output [OUTER, R, INNER]
//          when SORTED: order lists the k's by their index, and by k where that is the same (sort-order.wgsl)
// Layout   row-major, contiguous; T in the input and output, 32-bit words in indices and order.
// Mapping  one invocation = one output element, gathering: it finds its k's by halving when SORTED, else looks at all.
// Numerics adds k upwards, 32 at a time and those sums in turn: no atomics, so the same bits on every run. Indices outside of the
//          axis are left out.
// Gradient gather.wgsl.
// Source   torch.scatter_add and torch.index_add, in a fixed order.

struct Dims {
  n: u32,
  K: u32,
  R: u32,
  inner: u32,
}

alias T = f32;
const EACH = false;
const SORTED = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<T>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<T>;

@compute @workgroup_size(64)
fn scatter_sum(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let i = index % dims.inner;
  let r = (index / dims.inner) % dims.R;
  let o = index / (dims.inner * dims.R);
  let source = o * dims.K * dims.inner + i;
  let start = select(0u, source, EACH);
  let stride = select(1u, dims.inner, EACH);

  var first = 0u;
  if (SORTED) {
    var last = dims.K;
    while (first < last) {
      let middle = (first + last) / 2u;
      if (indices[start + order[start + middle * stride] * stride] < r) { first = middle + 1u; } else { last = middle; }
    }
  }
  var total = T();
  var few = T();
  var count = 0u;
  for (var j = first; j < dims.K; j++) {
    var k = j;
    if (SORTED) { k = order[start + j * stride]; }
    if (indices[start + k * stride] != r) {
      if (SORTED) { break; }
      continue;
    }
    few += input[source + k * dims.inner];
    count++;
    if (count % 32u == 0u) {
      total += few;
      few = T();
    }
  }
  output[index] = total + few;
}
