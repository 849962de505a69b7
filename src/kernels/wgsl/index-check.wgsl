// index-check: notes indices outside of an axis, for the host to report.
//
//   fault = number, 2^32 - 1 - first position, largest magnitude of a negative one, largest one; 0 as long as all are right
//
// Shapes   indices [n]     fault [4]
// Layout   32-bit words: i32 when SIGNED, else u32.
// Mapping  one invocation = one index; workgroups of 64, numbered over grid x then y.
// Numerics integer atomics, whose result does not depend on their order. The first check that fails keeps the words.
// Gradient none.
// Source   WebGPU has no way to throw from a kernel: src/kernels/faults.ts.

struct Dims {
  n: u32,
  size: u32,
  number: u32,
}

const SIGNED = true;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> fault: array<atomic<u32>, 4>;

@compute @workgroup_size(64)
fn index_check(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let position = (group.y * groups.x + group.x) * 64u + lane;
  if (position >= dims.n) { return; }
  let found = indices[position];
  if (found < dims.size) { return; }
  // A weak exchange may fail for no reason: try until somebody has it.
  loop {
    let claim = atomicCompareExchangeWeak(&fault[0], 0u, dims.number);
    if (claim.exchanged || claim.old_value == dims.number) { break; }
    if (claim.old_value != 0u) { return; }
  }
  atomicMax(&fault[1], 0xffffffffu - position);
  if (SIGNED && (found >> 31u) == 1u) {
    atomicMax(&fault[2], ~found + 1u);
  } else {
    atomicMax(&fault[3], found);
  }
}
