// erf: the error function, its complement, and the normal distribution that both belong to.
//
// Numerics erf: a polynomial below 1, else 1 - erfc; within 1.5 ULP. erfc from 1/2 on: e^(-v^2) times a polynomial of
//          (v - 3) / (v + 3), with v^2 in two parts; within 4 ULP.
// Source   Abramowitz & Stegun 7.1; coefficients: scripts/fit-polynomials.py.

// erf(v) for |v| <= 1.
fn erf_near(v: f32) -> f32 {
  let s = v * v;
  var p = 0.00519582629 + s * (-0.000811843958 + s * (8.63244422e-05 - s * 2.20736979e-06));
  p = 0.128379166 + s * (-0.376126289 + s * (0.112836316 + s * (-0.0268564988 + s * p)));
  // The second term of the smallest v would be flushed.
  return select(v + v * p, 1.12837917 * v, abs(v) < 1e-20);
}

// erfc(v) for v >= 1/2.
fn erfc_far(v: f32) -> f32 {
  let x = min(v, 10.1);
  let t = (x - 3.0) / (x + 3.0);
  var p = -0.0237895865 + t * (0.00250565959 + t * (0.00195657788 + t * (-0.00069402653 - t * 0.000190158375)));
  p = -0.0475623943 + t * (0.129644915 + t * (-0.119271405 + t * (0.0683113858 + t * p)));
  p = 1.25 + (0.00300805899 + t * (-0.135621101 + t * p));
  let high = leading(x);
  let d = -(x - high) * (x + high);
  return exponential(-high * high) * (1.0 + (d + exp_tail(d))) * (p / (1.0 + 2.0 * x));
}

fn error_function(v: f32) -> f32 {
  let far = copy_sign(1.0 - erfc_far(abs(v)), v);
  return select(select(far, erf_near(v), abs(v) < 1.0), v, is_nan(v) || v == 0.0);
}

fn error_function_complement(v: f32) -> f32 {
  let tail = erfc_far(abs(v));
  let far = select(tail, 2.0 - tail, v < 0.0);
  return select(select(far, 1.0 - erf_near(v), abs(v) < 0.5), v, is_nan(v));
}

// The standard normal distribution function and its density.
fn normal_distribution(v: f32) -> f32 {
  return 0.5 * error_function_complement(v * -0.707106781);
}

fn normal_density(v: f32) -> f32 {
  let x = clamp(v, -15.0, 15.0);
  return select(0.398942280 * exponential(-0.5 * x * x), v, is_nan(v));
}
