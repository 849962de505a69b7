// matmul, for adapters whose subgroups have one fixed size: the product of two matrices, each with any strides.
//
//   output[m, n] = bias[m * bias_row + n * bias_column] + sum over k of a[m, k] * b[k, n]
//
// Shapes   a [M, K]     b [K, N]     output [M, N], or with a split K [splits, M, N], which the host then sums; or a batch of them.
// Layout   f32; element [m, k] of a at a_offset + m * a_row + k * a_k, and so on: a transposed operand has other strides.
// Mapping  one workgroup = one subgroup of LANES lanes = one tile of ROWS x (COLUMNS * LANES) outputs. Lanes hold COLUMNS
//          columns each; for a, lane i holds row i and broadcasts it. Tiles are numbered down the rows first; grid z = splits, or the batch.
// Numerics accumulates in f32, order of k within a split; |error| <= K eps_f32 sum|a b|.
// Gradient the other forms of the same kernel: src/tensor/ops/matmul.ts.
// Source   the outer-product form, Goto & van de Geijn 2008, with broadcasts in place of shared memory: software Vulkan loads
//          lane by lane, so a loaded value must be used as often as possible. Same result as matmul.wgsl but for rounding.

enable subgroups;

struct Dims {
  M: u32,
  N: u32,
  K: u32,
  // k's of one split, a multiple of 4.
  chunk: u32,
  a_offset: u32,
  a_row: u32,
  a_k: u32,
  b_offset: u32,
  b_k: u32,
  b_column: u32,
  // Columns of b come in groups of b_group, b_jump elements apart; one group in an ordinary matrix.
  b_group: u32,
  b_jump: u32,
  output_offset: u32,
  output_row: u32,
  output_column: u32,
  // Elements from the result of one split to that of the next.
  slice: u32,
  // Elements from one matrix of a batch to the next; both 0 where grid z counts splits.
  a_batch: u32,
  b_batch: u32,
  has_bias: u32,
  bias_offset: u32,
  bias_row: u32,
  bias_column: u32,
}

const LANES = 8u;
// Rows of a tile in units of LANES, columns of a tile in units of LANES.
const STRIPS = 2u;
const COLUMNS = 4u;
// k's of one turn of the loop: two are as fast as four on software, and compile sooner.
const DEPTH = 2u;
const ROWS = STRIPS * LANES;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(LANES)
fn matmul_lane(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tile = group.y * groups.x + group.x;
  let row_tiles = (dims.M + ROWS - 1u) / ROWS;
  let first_row = (tile % row_tiles) * ROWS;
  let first_column = (tile / row_tiles) * COLUMNS * LANES;
  if (first_column >= dims.N) { return; }
  let split = select(group.z, 0u, dims.a_batch + dims.b_batch > 0u);
  let a_offset = dims.a_offset + group.z * dims.a_batch;
  let b_offset = dims.b_offset + group.z * dims.b_batch;

  // Rows and columns past the end repeat the last one and are not stored.
  let with_bias = dims.has_bias != 0u && group.z == 0u;
  var a_start: array<u32, STRIPS>;
  var row_bias: array<f32, STRIPS>;
  for (var strip = 0u; strip < STRIPS; strip++) { // unroll
    let row = min(first_row + strip * LANES + lane, dims.M - 1u);
    a_start[strip] = a_offset + row * dims.a_row;
    row_bias[strip] = select(0.0, bias[dims.bias_offset + row * dims.bias_row], with_bias && dims.bias_row > 0u);
  }
  var b_start: array<u32, COLUMNS>;
  var column_bias: array<f32, COLUMNS>;
  for (var c = 0u; c < COLUMNS; c++) { // unroll
    let column = min(first_column + c * LANES + lane, dims.N - 1u);
    b_start[c] = b_offset + column / dims.b_group * dims.b_jump + column % dims.b_group * dims.b_column;
    column_bias[c] = select(0.0, bias[dims.bias_offset + column * dims.bias_column], with_bias && dims.bias_row == 0u);
  }

  var sums: array<f32, ROWS * COLUMNS>;
  for (var row = 0u; row < ROWS; row++) { // unroll
    let value = subgroupShuffle(row_bias[row / LANES], row % LANES);
    for (var c = 0u; c < COLUMNS; c++) { // unroll
      sums[row * COLUMNS + c] = value + column_bias[c];
    }
  }

  let last = min((split + 1u) * dims.chunk, dims.K);
  for (var k = split * dims.chunk; k < last; k += DEPTH) {
    var a_lane: array<f32, STRIPS * DEPTH>;
    for (var strip = 0u; strip < STRIPS; strip++) { // unroll
      for (var step = 0u; step < DEPTH; step++) { // unroll
        let value = a[a_start[strip] + (k + step) * dims.a_k];
        a_lane[strip * DEPTH + step] = select(0.0, value, k + step < last);
      }
    }
    for (var step = 0u; step < DEPTH; step++) { // unroll
      var b_lane: array<f32, COLUMNS>;
      for (var c = 0u; c < COLUMNS; c++) { // unroll
        let value = b[b_start[c] + (k + step) * dims.b_k];
        b_lane[c] = select(0.0, value, k + step < last);
      }
      for (var row = 0u; row < ROWS; row++) { // unroll
        let value = subgroupShuffle(a_lane[row / LANES * DEPTH + step], row % LANES);
        for (var c = 0u; c < COLUMNS; c++) { // unroll
          sums[row * COLUMNS + c] += value * b_lane[c];
        }
      }
    }
  }

  let start = dims.output_offset + group.z * dims.slice;
  for (var row = 0u; row < ROWS; row++) { // unroll
    if (first_row + row < dims.M) {
      let row_start = start + (first_row + row) * dims.output_row;
      for (var c = 0u; c < COLUMNS; c++) { // unroll
        let column = first_column + c * LANES + lane;
        if (column < dims.N) { output[row_start + column * dims.output_column] = sums[row * COLUMNS + c]; }
      }
    }
  }
}
