// scatter-place: which element an index names last: the one that a scatter leaves there.
//
//   output[o, r, i] = 1 + the largest k with indices[o, k, i] = r, and 0 where there is none
//
// Shapes   indices, order [OUTER, K, INNER]     output [OUTER, R, INNER]
//          when SORTED: order lists the k's by their index, and by k where that is the same (sort-order.wgsl)
// Layout   row-major, contiguous, 32-bit words.
// Mapping  one invocation = one output element, gathering: it finds its last k by halving when SORTED, else looks at all.
// Numerics exact; the same bits on every run. Indices outside of the axis are left out.
// Gradient none: whole numbers.
// Source   NumPy's put_along_axis; torch.scatter, which leaves open which of several elements stays.

struct Dims {
  n: u32,
  K: u32,
  R: u32,
  inner: u32,
}

const SORTED = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn scatter_place(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let i = index % dims.inner;
  let r = (index / dims.inner) % dims.R;
  let start = index / (dims.inner * dims.R) * dims.K * dims.inner + i;

  var place = 0u;
  if (SORTED) {
    // The end of the indices that are at most r.
    var first = 0u;
    var last = dims.K;
    while (first < last) {
      let middle = (first + last) / 2u;
      if (indices[start + order[start + middle * dims.inner] * dims.inner] <= r) { first = middle + 1u; } else { last = middle; }
    }
    if (first > 0u) {
      let k = order[start + (first - 1u) * dims.inner];
      place = select(0u, k + 1u, indices[start + k * dims.inner] == r);
    }
  } else {
    for (var k = 0u; k < dims.K; k++) { place = select(place, k + 1u, indices[start + k * dims.inner] == r); }
  }
  output[index] = place;
}
