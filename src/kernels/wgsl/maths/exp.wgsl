// exp: e^v, 2^v, e^v - 1.
//
// Numerics v = n ln 2 + r, |r| <= ln 2 / 2; ln 2 in two parts, so that n times the first is exact; a polynomial for r. Below 1 ULP.
// Source   Cody & Waite 1980, Software manual for the elementary functions; coefficients: scripts/fit-polynomials.py.

// e^r - 1 - r for |r| <= ln 2 / 2.
fn exp_tail(r: f32) -> f32 {
  return r * r * (0.5 + r * (0.166666657 + r * (0.0416664854 + r * (0.00833354145 + r * (0.00139332272 + r * 0.000197669331)))));
}

fn exponential(v: f32) -> f32 {
  let x = clamp(v, -104.0, 89.0);
  let n = round(x * 1.44269504);
  let high = x - n * 0.693115234375;
  let low = n * 3.19461833e-05;
  let size = 1.0 + (high + (exp_tail(high - low) - low));
  return select(scale_by_power(size, i32(n)), v, is_nan(v));
}

fn exponential_2(v: f32) -> f32 {
  let x = clamp(v, -151.0, 129.0);
  let n = round(x);
  let r = (x - n) * 0.693147181;
  return select(scale_by_power(1.0 + (r + exp_tail(r)), i32(n)), v, is_nan(v));
}

// 2 (2^(n-1) (e^r - 1) + 2^(n-1) - 1/2): no cancellation near 0, and 2^128 does not occur.
fn exponential_minus_1(v: f32) -> f32 {
  let x = clamp(v, -25.0, 89.0);
  let n = round(x * 1.44269504);
  let r = (x - n * 0.693115234375) - n * 3.19461833e-05;
  let scale = power_of_two(i32(n) - 1);
  let result = 2.0 * (scale * (r + exp_tail(r)) + (scale - 0.5));
  // Tiny v are their own result; halved, the smallest would be flushed.
  return select(result, v, is_nan(v) || abs(v) < 1e-8);
}
