// root: square roots and quotients to the last bit, where WGSL allows division 2.5 ULP and square roots more.
//
// Numerics one step of Newton's method with the exact remainder: factors are split in halves (`leading`) whose products are exact with
//          and without fused multiply-add. Within 0.51 ULP wherever the built-in operation is within a few.
// Source   Dekker 1971, A floating-point technique for extending the available precision.

// sqrt(v); subnormals may be flushed to zero.
fn square_root(v: f32) -> f32 {
  // Small numbers are scaled by 2^64, so that their remainder is not lost in the subnormals.
  let small = v < 1e-18;
  let x = v * select(1.0, 0x1p64, small);
  let s = sqrt(x);
  let high = leading(s);
  let low = s - high;
  let rest = ((x - high * high) - 2.0 * high * low) - low * low;
  let better = (s + 0.5 * rest / s) * select(1.0, 0x1p-32, small);
  let regular = select(select(nan_of(v), v, v == 0.0), better, x > 0.0);
  return select(regular, v, is_nan(v) || bitcast<u32>(v) == 0x7f800000u);
}

// v / w for finite v, w and v / w far from overflow and underflow.
fn quotient(v: f32, w: f32) -> f32 {
  let q = v / w;
  let q_high = leading(q);
  let q_low = q - q_high;
  let w_high = leading(w);
  let w_low = w - w_high;
  let rest = ((v - q_high * w_high) - q_high * w_low - q_low * w_high) - q_low * w_low;
  return q + rest / w;
}

fn inverse_square_root(v: f32) -> f32 {
  let s = square_root(v);
  return select(1.0 / s, quotient(1.0, s), s > 0.0 && is_finite(s));
}
