"""Writes test/fixtures/torch/functions.json and special-values.json: what PyTorch says of the elementwise functions.

Run from the repository root with PyTorch 1.13 installed (Debian: python3-torch):

    python3 scripts/make-torch-elementwise-fixtures.py

functions.json has values and gradients in float64, with float32's error. special-values.json has, in float32, values and gradients
at NaN, the infinities, both zeros, kinks and ends of ranges; numbers are written as text, so that NaN and signs survive.
"""

import itertools
import json

import numpy as np
import torch
import torch.nn.functional as F

from torch_fixtures import FOLDER, case, random, seed, write

seed(20240611)
T = torch


def t(x):
    return T.tensor(x, dtype=T.float32)


#: Name, PyTorch's function, options of ours, interval to test in.
UNARY = [
    ("rsqrt", T.rsqrt, {}, (0.01, 20)),
    ("exp2", T.exp2, {}, (-10, 10)),
    ("expm1", T.expm1, {}, (-10, 10)),
    ("log2", T.log2, {}, (0.01, 20)),
    ("log10", T.log10, {}, (0.01, 20)),
    ("log1p", T.log1p, {}, (-0.99, 20)),
    ("erf", T.erf, {}, (-5, 5)),
    ("erfc", T.erfc, {}, (-3, 8)),
    ("sin", T.sin, {}, (-300, 300)),
    ("cos", T.cos, {}, (-300, 300)),
    ("tan", T.tan, {}, (-1.5, 1.5)),
    ("asin", T.asin, {}, (-0.99, 0.99)),
    ("acos", T.acos, {}, (-0.99, 0.99)),
    ("atan", T.atan, {}, (-20, 20)),
    ("sinh", T.sinh, {}, (-10, 10)),
    ("cosh", T.cosh, {}, (-10, 10)),
    ("asinh", T.asinh, {}, (-30, 30)),
    ("acosh", T.acosh, {}, (1.01, 30)),
    ("atanh", T.atanh, {}, (-0.99, 0.99)),
    ("floor", T.floor, {}, (-5, 5)),
    ("ceil", T.ceil, {}, (-5, 5)),
    ("round", T.round, {}, (-5, 5)),
    ("trunc", T.trunc, {}, (-5, 5)),
    ("frac", T.frac, {}, (-5, 5)),
    ("leakyRelu", F.leaky_relu, {}, (-5, 5)),
    ("leakyRelu", lambda x: F.leaky_relu(x, 0.3), {"slope": 0.3}, (-5, 5)),
    ("elu", F.elu, {}, (-8, 8)),
    ("elu", lambda x: F.elu(x, 0.7), {"alpha": 0.7}, (-8, 8)),
    ("celu", lambda x: F.celu(x, 1.7), {"alpha": 1.7}, (-8, 8)),
    ("selu", F.selu, {}, (-8, 8)),
    ("logSigmoid", F.logsigmoid, {}, (-30, 30)),
    ("softsign", F.softsign, {}, (-5, 5)),
    ("silu", F.silu, {}, (-20, 20)),
    ("mish", F.mish, {}, (-20, 20)),
    ("gelu", F.gelu, {}, (-6, 6)),
    ("gelu", lambda x: F.gelu(x, approximate="tanh"), {"approximate": "tanh"}, (-6, 6)),
    ("softplus", F.softplus, {}, (-30, 30)),
    ("softplus", lambda x: F.softplus(x, 2.5, 4), {"beta": 2.5, "threshold": 4}, (-5, 5)),
    ("hardtanh", F.hardtanh, {}, (-3, 3)),
    ("hardtanh", lambda x: F.hardtanh(x, -0.5, 2), {"min": -0.5, "max": 2}, (-3, 3)),
    ("relu6", F.relu6, {}, (-3, 9)),
    ("hardSigmoid", F.hardsigmoid, {}, (-5, 5)),
    ("hardSwish", F.hardswish, {}, (-5, 5)),
]
BINARY = [
    ("remainder", T.remainder, (-9, 9), (0.5, 3)),
    ("remainder", T.remainder, (-9, 9), (-3, -0.5)),
    ("fmod", T.fmod, (-9, 9), (0.5, 3)),
    ("fmod", T.fmod, (-9, 9), (-3, -0.5)),
    ("atan2", T.atan2, (-3, 3), (-3, 3)),
    ("pow", T.pow, (0.5, 40), (-20, 20)),
    ("pow", T.pow, (0.999, 1.001), (-9000, 9000)),
]


def functions():
    cases = []
    for op, function, options, (low, high) in UNARY:
        name = f"{op} {options}" if options else op
        cases.append(case(name, op, lambda x, f=function: f(x), {"x": random(3, 43, low=low, high=high)}, options))
    for op, function, x, y in BINARY:
        inputs = {"x": random(5, 1, 13, low=x[0], high=x[1]), "y": random(7, 13, low=y[0], high=y[1])}
        cases.append(case(f"{op} {x} {y}, broadcast", op, lambda x, y, f=function: f(x, y), inputs))
    x, y, w = random(4, 9), random(4, 9), random(4, 9, low=-0.5, high=1.5)
    cases.append(case("lerp", "lerp", lambda x, y, weight: T.lerp(x, y, weight), {"x": x, "y": y, "weight": w}))
    return cases


ONE = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, -3.0, 6.0, 20.0, 25.0, -25.0, 90.0, -90.0, 3e38, -3e38, 1e20]
TWO = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.0, -3.0, 0.5, -2.5, 1e20]
#: Beside the functions above.
ALSO_ONE = [
    ("neg", T.neg),
    ("abs", T.abs),
    ("sign", T.sign),
    ("square", T.square),
    ("reciprocal", T.reciprocal),
    ("sqrt", T.sqrt),
    ("exp", T.exp),
    ("log", T.log),
    ("relu", F.relu),
    ("sigmoid", T.sigmoid),
    ("tanh", T.tanh),
    ("isNaN", T.isnan),
    ("isInf", T.isinf),
    ("isFinite", T.isfinite),
    ("logicalNot", T.logical_not),
]
ALSO_TWO = [
    ("add", T.add),
    ("sub", T.sub),
    ("mul", T.mul),
    ("div", T.div),
    ("floorDiv", lambda x, y: T.div(x, y, rounding_mode="floor")),
    ("remainder", T.remainder),
    ("fmod", T.fmod),
    ("atan2", T.atan2),
    ("pow", T.pow),
    ("maximum", T.maximum),
    ("minimum", T.minimum),
    ("equal", T.eq),
    ("notEqual", T.ne),
    ("less", T.lt),
    ("lessEqual", T.le),
    ("greater", T.gt),
    ("greaterEqual", T.ge),
    ("logicalAnd", T.logical_and),
    ("logicalOr", T.logical_or),
    ("logicalXor", T.logical_xor),
]


def text(values, digits=None):
    form = lambda v: np.format_float_scientific(v, precision=digits, unique=digits is None, trim="-")  # noqa: E731
    return " ".join(form(v) if np.isfinite(v) else str(v) for v in np.asarray(values, np.float32))


def run(function, inputs, dtype):
    """Output and gradients, as float64."""
    leaves = [t(values).to(dtype).requires_grad_() for values in inputs]
    output = function(*leaves)
    results = [output.detach().double().numpy()]
    if output.requires_grad:
        output.backward(T.ones_like(output))
        results += [leaf.grad.double().numpy() for leaf in leaves]
    return results


def special(op, function, options, *inputs):
    """Where the float64 result is a float32 number, that; else what float32 gives. `errors`: how far float32 is off."""
    values, errors = [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for exact, rounded in zip(run(function, inputs, T.float64), run(function, inputs, T.float32)):
            use = np.isfinite(exact.astype(np.float32))
            values.append(text(np.where(use, exact, rounded)))
            errors.append(text(np.where(use & np.isfinite(rounded), np.abs(exact - rounded), 0), 1))
    return {"op": op, "options": options, "inputs": [text(i) for i in inputs], "results": values, "errors": errors}


def special_values():
    cases = [special(op, function, options, ONE) for op, function, options, _ in UNARY]
    cases += [special(op, function, {}, ONE) for op, function in ALSO_ONE]
    pairs = list(itertools.product(TWO, TWO))
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    cases += [special(op, function, {}, first, second) for op, function in ALSO_TWO]
    for limits in ({"min": -1, "max": 0.5}, {"min": -0.5}, {"max": 3}):
        cases.append(special("clamp", lambda x, limits=limits: T.clamp(x, **limits), limits, ONE))
    return cases


write("functions", {"cases": functions()})
write("special-values", {"cases": special_values()})
