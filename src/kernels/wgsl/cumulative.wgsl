// cumulative: running sums, products, maxima or minima along one axis, a block of it each.
//
//   output[o, r, i] = combine of input[o, q, i] over q <= r (q < r when EXCLUSIVE); q >= r and q > r when REVERSE
//
// Shapes   input, output [OUTER, R, INNER]     carry [OUTER, BLOCKS, INNER]: combined up to the end of each block, when CARRIED
//          when TOTALS: output [OUTER, BLOCKS, INNER], what each block combines to
// Layout   row-major, contiguous, 32-bit elements: T in the input, A in the output and while combining.
// Mapping  one invocation = one block of BLOCK elements; the host scans the totals with this same kernel, and hands them on as carry.
// Numerics what comes before a block is added to the sum within it, so that the error grows with log(R), not with R.
//          Integers wrap around. NaN spreads to all that follows.
// Gradient cumulative.wgsl the other way round (sum); recurrence.wgsl (product); scatter-add.wgsl (max, min).
// Source   blocked scan, Blelloch 1990, without barriers or atomics.

struct Dims {
  outer: u32,
  R: u32,
  inner: u32,
  blocks: u32,
}

alias T = f32;
alias A = f32;
const BLOCK = 32u;
const REVERSE = false;
const EXCLUSIVE = false;
const CARRIED = false;
const TOTALS = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<T>;
@group(0) @binding(2) var<storage, read> carry: array<A>;
@group(0) @binding(3) var<storage, read_write> output: array<A>;

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn element(v: T) -> A { return A(v); }
fn combine(a: A, b: A) -> A { return a + b; }
fn start(first: A) -> A { return A(); }

@compute @workgroup_size(64)
fn cumulative(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.outer * dims.blocks * dims.inner) { return; }
  let i = index % dims.inner;
  let part = (index / dims.inner) % dims.blocks;
  let base = index / (dims.inner * dims.blocks) * dims.R * dims.inner + i;
  let first = part * BLOCK;
  let end = min(first + BLOCK, dims.R);
  let carried = CARRIED && part > 0u;
  // Where nothing is carried, this reads something that is not used.
  let before = carry[select(0u, index - dims.inner, carried)];

  var within = start(element(input[base + select(first, dims.R - 1u - first, REVERSE) * dims.inner]));
  for (var r = first; r < end; r++) {
    let place = base + select(r, dims.R - 1u - r, REVERSE) * dims.inner;
    let earlier = within;
    within = combine(within, element(input[place]));
    if (!TOTALS) {
      let value = select(within, earlier, EXCLUSIVE);
      output[place] = select(value, combine(before, value), carried);
    }
  }
  if (TOTALS) { output[index] = within; }
}
