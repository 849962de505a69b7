// random-advance: hands out the place a random stream has reached, and moves the stream on.
//
//   stream = state;  state.counter += BLOCKS
//
// Shapes   state, stream [6]: key (2 words, low first), counter (4 words, low first)
// Layout   u32.
// Mapping  one invocation does it all.
// Numerics exact; the counter's low half is one 64-bit number.
// Gradient none.
// Source   random.wgsl. The counter lives on the GPU, so that no draw needs an upload and a replayed step moves on by itself.

struct Dims {
  blocks: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> state: array<u32>;
@group(0) @binding(2) var<storage, read_write> stream: array<u32>;

@compute @workgroup_size(1)
fn random_advance() {
  for (var i = 0u; i < 6u; i++) {
    stream[i] = state[i];
  }
  let low = state[2] + dims.blocks;
  state[3] += select(0u, 1u, low < dims.blocks);
  state[2] = low;
}
