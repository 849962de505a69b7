"""Prints the polynomials of src/kernels/wgsl/maths: minimax fits of the elementary functions on their reduced intervals.

    python3 scripts/fit-polynomials.py        (needs NumPy and SciPy)

Each is `target(x) ~ sum of c[i] * basis(x)^i`, found by least squares whose weights are raised where the error is largest
(Lawson 1961) until the errors level out; the error is relative to `scale(x)`, the function that the polynomial becomes part of.
Coefficients are then rounded to float32, lowest first, and the ones above fitted again, so that the rounding is made good.
"""

import numpy as np
from scipy import special


def lawson(x, basis, target, scale, degree):
    """Coefficients of the minimax fit, by iterated weights."""
    rows = np.stack([basis**i for i in range(degree + 1)], 1) / scale[:, None]
    goal = target / scale
    weights = np.full(len(x), 1.0 / len(x))
    for _ in range(300):
        root = np.sqrt(weights)
        coefficients = np.linalg.lstsq(rows * root[:, None], goal * root, rcond=None)[0]
        error = np.abs(rows @ coefficients - goal)
        if error.max() == 0:
            break
        weights = weights * (error / error.max() + 1e-3)
        weights /= weights.sum()
    return coefficients


def fit(name, low, high, basis, target, scale, degree):
    at = np.cos(np.pi * (np.arange(2001) + 0.5) / 2001)
    x = (low + high) / 2 + (high - low) / 2 * at
    x = x[np.abs(x) > 1e-4]
    b, t, s = basis(x), target(x), scale(x)
    fixed = []
    for i in range(degree + 1):
        rest = t - sum(c * b**k for k, c in enumerate(fixed)) if fixed else t
        free = lawson(x, b, rest / b**i, s / b**i, degree - i)
        fixed.append(float(np.float32(free[0])))
    error = np.abs(sum(c * b**k for k, c in enumerate(fixed)) - t) / np.abs(s)
    print(f"{name}: relative error {error.max():.2e} = {error.max() * 2**24:.3f} half ulp")
    print("  " + ", ".join(f"{np.float32(c):.9g}" for c in fixed))


square = lambda x: x * x  # noqa: E731
same = lambda x: x  # noqa: E731
half_ln2 = np.log(2) / 2 * 1.01

fit("exp and expm1: expm1(r) = r + r^2 p(r)", -half_ln2, half_ln2, same, lambda r: (np.expm1(r) - r) / r**2, lambda r: np.expm1(r) / r**2, 5)
fit(
    "log: log(1 + f) = f - f^2 / 2 + f^3 p(f)",
    np.sqrt(0.5) - 1,
    np.sqrt(2) - 1,
    same,
    lambda f: (np.log1p(f) - f + f * f / 2) / f**3,
    lambda f: np.log1p(f) / f**3,
    8,
)
fit("sin: sin(r) = r + r^3 p(r^2)", 0, np.pi / 4 * 1.001, square, lambda r: (np.sin(r) - r) / r**3, lambda r: np.sin(r) / r**3, 3)
fit(
    "cos: cos(r) = 1 - r^2 / 2 + r^4 p(r^2)",
    0,
    np.pi / 4 * 1.001,
    square,
    lambda r: (np.cos(r) - 1 + r * r / 2) / r**4,
    lambda r: np.cos(r) / r**4,
    2,
)
fit("atan: atan(v) = v + v^3 p(v^2)", 0, 1, square, lambda v: (np.arctan(v) - v) / v**3, lambda v: np.arctan(v) / v**3, 8)
fit("asin: asin(v) = v + v^3 p(v^2)", 0, 0.501, square, lambda v: (np.arcsin(v) - v) / v**3, lambda v: np.arcsin(v) / v**3, 4)
fit("tanh: tanh(v) = v + v^3 p(v^2)", 0, 0.626, square, lambda v: (np.tanh(v) - v) / v**3, lambda v: np.tanh(v) / v**3, 4)
fit("erf: erf(v) = v + v p(v^2)", 0, 1.001, square, lambda v: special.erf(v) / v - 1, lambda v: special.erf(v) / v, 7)
fit(
    "erfc: exp(v^2) erfc(v) (1 + 2 v) = 1.25 + p(t), t = (v - 3) / (v + 3)",
    0.45,
    10.1,
    lambda v: (v - 3) / (v + 3),
    lambda v: special.erfcx(v) * (1 + 2 * v) - 1.25,
    lambda v: special.erfcx(v) * (1 + 2 * v),
    10,
)
