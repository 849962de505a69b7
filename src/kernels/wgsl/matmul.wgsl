// matmul: the product of two matrices, each with any strides, by tiles in workgroup memory.
//
//   output[m, n] = bias[m * bias_row + n * bias_column] + sum over k of a[m, k] * b[k, n]
//
// Shapes   a [M, K]     b [K, N]     output [M, N], or with a split K [splits, M, N], which the host then sums; or a batch of them.
// Layout   f32; element [m, k] of a at a_offset + m * a_row + k * a_k, and so on: a transposed operand has other strides.
//          Neighbouring threads load along the axis whose stride is 1, so that they read neighbouring addresses.
// Mapping  one workgroup of 16 x 16 = one tile of (16 * TM) x (16 * TN) outputs, one invocation = TM x TN of them, 16 apart.
//          Tiles are numbered down the rows first; grid z = splits, or the batch.
// Numerics accumulates in f32, order of k within a split; |error| <= K eps_f32 sum|a b|.
// Gradient the other forms of the same kernel: src/tensor/ops/matmul.ts.
// Source   blocked matrix product as in the CUDA C++ Programming Guide, with a register tile for each thread.

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

const TM = 4u;
const TN = 4u;
const TILE_K = 16u;
// k's written out in the loop over a tile.
const DEPTH = 4u;
// One more than a tile row, so that threads that store along k fall on different memory banks.
const A_ROW = 16u * TM + 1u;
const B_ROW = 16u * TN + 1u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

var<workgroup> a_tile: array<f32, TILE_K * A_ROW>;
var<workgroup> b_tile: array<f32, TILE_K * B_ROW>;

@compute @workgroup_size(256)
fn matmul(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let tile = group.y * groups.x + group.x;
  let row_tiles = (dims.M + 16u * TM - 1u) / (16u * TM);
  let first_row = (tile % row_tiles) * 16u * TM;
  let first_column = (tile / row_tiles) * 16u * TN;
  if (first_column >= dims.N) { return; }
  let split = select(group.z, 0u, dims.a_batch + dims.b_batch > 0u);
  let a_offset = dims.a_offset + group.z * dims.a_batch;
  let b_offset = dims.b_offset + group.z * dims.b_batch;
  let row = thread / 16u;
  let column = thread % 16u;

  let a_along_k = dims.a_k == 1u;
  let b_along_k = dims.b_k == 1u;
  var sums: array<f32, TM * TN>;
  let last = min((split + 1u) * dims.chunk, dims.K);
  for (var k = split * dims.chunk; k < last; k += TILE_K) {
    // 256 threads load TILE_K x 16 TM elements of a and TILE_K x 16 TN of b; what lies outside is 0.
    for (var part = 0u; part < TM; part++) { // unroll
      let i = part * 256u + thread;
      let tile_k = select(i / (16u * TM), i % TILE_K, a_along_k);
      let tile_row = select(i % (16u * TM), i / TILE_K, a_along_k);
      let inside = k + tile_k < last && first_row + tile_row < dims.M;
      let index = a_offset + (first_row + tile_row) * dims.a_row + (k + tile_k) * dims.a_k;
      a_tile[tile_k * A_ROW + tile_row] = select(0.0, a[index], inside);
    }
    for (var part = 0u; part < TN; part++) { // unroll
      let i = part * 256u + thread;
      let tile_k = select(i / (16u * TN), i % TILE_K, b_along_k);
      let tile_column = select(i % (16u * TN), i / TILE_K, b_along_k);
      let inside = k + tile_k < last && first_column + tile_column < dims.N;
      let b_column = first_column + tile_column;
      let b_start = b_offset + b_column / dims.b_group * dims.b_jump + b_column % dims.b_group * dims.b_column;
      let index = b_start + (k + tile_k) * dims.b_k;
      b_tile[tile_k * B_ROW + tile_column] = select(0.0, b[index], inside);
    }
    workgroupBarrier();
    let steps = min(TILE_K, last - k);
    for (var first = 0u; first < steps; first += DEPTH) {
      for (var part = 0u; part < DEPTH; part++) { // unroll
        let step = first + part;
        var b_values: array<f32, TN>;
        for (var j = 0u; j < TN; j++) { // unroll
          b_values[j] = b_tile[step * B_ROW + j * 16u + column];
        }
        for (var i = 0u; i < TM; i++) { // unroll
          let value = a_tile[step * A_ROW + i * 16u + row];
          for (var j = 0u; j < TN; j++) { // unroll
            sums[i * TN + j] += value * b_values[j];
          }
        }
      }
    }
    workgroupBarrier();
  }

  let with_bias = dims.has_bias != 0u && group.z == 0u;
  let start = dims.output_offset + group.z * dims.slice;
  for (var i = 0u; i < TM; i++) { // unroll
    for (var j = 0u; j < TN; j++) { // unroll
      let m = first_row + i * 16u + row;
      let n = first_column + j * 16u + column;
      if (m < dims.M && n < dims.N) {
        let shift = select(0.0, bias[dims.bias_offset + m * dims.bias_row + n * dims.bias_column], with_bias);
        output[start + m * dims.output_row + n * dims.output_column] = sums[i * TN + j] + shift;
      }
    }
  }
}
