// hyperbolic: sinh, cosh and the inverses of sinh, cosh and tanh.
//
// Numerics by e^v - 1 and log(1 + v), which do not cancel near 0; within 4 ULP.
// Source   Abramowitz & Stegun 4.5, 4.6.

fn hyperbolic_sine(v: f32) -> f32 {
  let x = abs(v);
  let t = exponential_minus_1(min(x, 88.0));
  let root = exponential(0.5 * x);
  let size = select(0.5 * (t + t / (1.0 + t)), 0.5 * root * root, x > 88.0);
  return select(copy_sign(size, v), v, is_nan(v) || abs(v) < 1e-5);
}

fn hyperbolic_cosine(v: f32) -> f32 {
  let x = abs(v);
  let e = exponential(min(x, 88.0));
  let root = exponential(0.5 * x);
  return select(select(0.5 * e + 0.5 / e, 0.5 * root * root, x > 88.0), v, is_nan(v));
}

fn inverse_hyperbolic_sine(v: f32) -> f32 {
  let x = abs(v);
  let near = min(x, 16384.0);
  let square = near * near;
  let size = select(
    logarithm_1_plus(near + square / (1.0 + sqrt(1.0 + square))),
    logarithm(x) + 0.693147181,
    x > 16384.0,
  );
  return select(copy_sign(size, v), v, is_nan(v) || v == 0.0);
}

fn inverse_hyperbolic_cosine(v: f32) -> f32 {
  let t = clamp(v, 1.0, 16384.0) - 1.0;
  let result = select(logarithm_1_plus(t + sqrt(t * (t + 2.0))), logarithm(v) + 0.693147181, v > 16384.0);
  return select(nan_of(v), result, v >= 1.0);
}

fn inverse_hyperbolic_tangent(v: f32) -> f32 {
  let x = abs(v);
  let inside = min(x, 0.99999994);
  let size = select(0.5 * logarithm_1_plus(2.0 * inside / (1.0 - inside)), infinity_of(x), x == 1.0);
  return select(select(nan_of(v), copy_sign(size, v), x <= 1.0), v, x < 1e-5);
}
