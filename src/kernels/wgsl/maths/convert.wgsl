// convert: floats to whole numbers, towards zero; out of range to the nearest end, NaN to 0. WGSL leaves NaN open.

fn f32_to_i32(v: f32) -> i32 {
  let inside = i32(clamp(v, -2147483648.0, 2147483520.0));
  return select(select(inside, 0x7fffffff, v >= 2147483648.0), 0, is_nan(v));
}

fn f32_to_u32(v: f32) -> u32 {
  let inside = u32(clamp(v, 0.0, 4294967040.0));
  return select(select(inside, 0xffffffffu, v >= 4294967296.0), 0u, is_nan(v));
}
