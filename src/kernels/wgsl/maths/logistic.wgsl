// logistic: 1 / (1 + e^-v), tanh and log(1 + e^v), arranged so that nothing overflows.
//
// Numerics within 2 ULP. tanh is a polynomial near 0, where the quotient of exponentials would cancel.
// Source   coefficients: scripts/fit-polynomials.py.

fn logistic(v: f32) -> f32 {
  let e = exponential(-abs(v));
  let above = select(e, 1.0, v >= 0.0);
  let q = above / (1.0 + e);
  // What the rounding of 1 + e and of the division lost: above - q - q e, as in `quotient`.
  let q_high = leading(q);
  let e_high = leading(e);
  let rest = ((above - q) - q_high * e_high) - (q_high * (e - e_high) + (q - q_high) * e);
  return select(q + rest / (1.0 + e), v, is_nan(v));
}

fn hyperbolic_tangent(v: f32) -> f32 {
  let s = v * v;
  let p = -0.333332807 + s * (0.133314058 + s * (-0.0537365153 + s * (0.0206281673 - s * 0.0056922962)));
  let near = v + v * (s * p);
  let far = copy_sign(1.0 - 2.0 / (1.0 + exponential(2.0 * min(abs(v), 20.0))), v);
  return select(select(far, near, abs(v) < 0.625), v, is_nan(v) || v == 0.0);
}

// log(1 + e^v).
fn log_1_plus_exp(v: f32) -> f32 {
  return select(max(v, 0.0) + logarithm_1_plus(exponential(-abs(v))), v, is_nan(v));
}

// The derivative of v tanh(log(1 + e^v)).
fn mish_slope(v: f32) -> f32 {
  let t = hyperbolic_tangent(log_1_plus_exp(v));
  return t + v * (1.0 - t * t) * logistic(v);
}

// The derivative of v logistic(k v + m v^3), k = sqrt(8 / pi), m = 0.044715 k.
fn gelu_tanh_slope(v: f32) -> f32 {
  let x = clamp(v, -20.0, 20.0);
  let inner = x * (1.59576912 + 0.0713548163 * x * x);
  let slope = logistic(inner) * (1.0 + logistic(-inner) * (x * (1.59576912 + 0.214064449 * x * x)));
  return select(nan_of(v), slope, is_finite(v));
}
