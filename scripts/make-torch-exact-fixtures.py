"""Writes test/fixtures/torch/exact.json: what PyTorch gives where there is nothing to round (comparisons, logic, places of the
largest, whole numbers, parts of tensors), with gradients where there are any, and formulas that PyTorch 1.13 has no function for.

Run from the repository root with PyTorch 1.13 installed (Debian: python3-torch):

    python3 scripts/make-torch-exact-fixtures.py

See torch_fixtures.py for how numbers are stored. A case without `gradOutput` has no gradient. `dtypes`: of inputs that are not f32.
`part`: which of several results.
"""

import torch as T
from torch_fixtures import case, encode, grid, random, seed, write

seed(20240617)
inf, nan = float("inf"), float("nan")


def plain(op, function, inputs, options=None, dtypes=None):
    """A case without gradients. Inputs are numbers that float32 and the other types hold alike."""
    kinds = {"i32": T.int32, "u32": T.int64, "bool": T.bool}
    given = {name: T.tensor(value).to(kinds.get((dtypes or {}).get(name), T.float32)) for name, value in inputs.items()}
    output = function(**given)
    name = f"{op} {[list(value.shape) for value in inputs.values()]} {options or ''} {dtypes or ''}"
    made = {"name": name, "op": op, "options": options or {}, "inputs": {k: encode(v, "f4") for k, v in inputs.items()}}
    if dtypes:
        made["dtypes"] = dtypes
    return {**made, "results": {"output": {**encode(output.to(T.float64).numpy(), "f8"), "float32Error": 0.0}}}


def differentiable(op, function, inputs, options=None, **more):
    shapes = [list(value.shape) for value in inputs.values()]
    return {**case(f"{op} {shapes} {options or ''}{more or ''}", op, function, inputs, options), **more}


special = [-inf, -3, -1, -0.0, 0, 1, 2.5, inf, nan]


def comparisons():
    both = lambda: {"x": grid(7, 1, 5, choices=special), "y": grid(3, 5, choices=special)}  # noqa: E731
    whole = lambda: {"x": grid(5, 7, choices=[-3, -1, 0, 2, 7]), "y": grid(7, choices=[-3, -1, 0, 2, 7])}  # noqa: E731
    named = {"equal": T.eq, "notEqual": T.ne, "less": T.lt, "lessEqual": T.le, "greater": T.gt, "greaterEqual": T.ge}
    cases = []
    for op, function in named.items():
        cases += [plain(op, lambda x, y, f=function: f(x, y), both())]
        cases += [plain(op, lambda x, y, f=function: f(x, y), whole(), None, {"x": "i32", "y": "i32"})]
    masks = lambda: {"x": grid(4, 1, 3, choices=[0, 1]), "y": grid(5, 3, choices=[0, 1])}  # noqa: E731
    for op, function in {"logicalAnd": T.logical_and, "logicalOr": T.logical_or, "logicalXor": T.logical_xor}.items():
        cases += [plain(op, lambda x, y, f=function: f(x, y), both())]
        cases += [plain(op, lambda x, y, f=function: f(x, y), masks(), None, {"x": "bool", "y": "bool"})]
    for op, function in {"logicalNot": T.logical_not, "isNaN": T.isnan, "isInf": T.isinf, "isFinite": T.isfinite}.items():
        cases += [plain(op, lambda x, f=function: f(x), {"x": grid(5, 13, choices=special)})]
    return cases


def whole_numbers():
    floor = lambda x, y: T.div(x, y, rounding_mode="floor")  # noqa: E731
    return [
        plain("floorDiv", floor, {"x": random(7, 5, low=-9, high=9), "y": grid(5, choices=[-3, -0.75, 0.5, 2])}),
        plain("floorDiv", floor, {"x": grid(7, 5, choices=[-7, -1, 0, 3, 8]), "y": grid(5, choices=[-3, -2, 2, 5])}, None, {"x": "i32", "y": "i32"}),
        plain("cast", lambda x: x.to(T.int32), {"x": random(67, low=-99, high=99)}, "i32"),
        plain("cast", lambda x: x.to(T.bool), {"x": grid(67, choices=[-2, -0.0, 0, 0.25])}, "bool"),
        plain("cast", lambda x: x.to(T.float32), {"x": grid(67, choices=[-2, 0, 77])}, "f32", {"x": "i32"}),
        plain("cast", lambda x: x.to(T.float16), {"x": random(67, low=-70000, high=70000)}, "f16"),
        plain("oneHot", lambda x: T.nn.functional.one_hot(x, 7), {"x": grid(3, 5, choices=[0, 2, 3, 6])}, {"classes": 7}, {"x": "u32"}),
    ]


def places():
    cases = []
    for op, function in {"argMax": T.argmax, "argMin": T.argmin}.items():
        cases += [
            plain(op, lambda x, f=function: f(x, 1), {"x": random(5, 67, 3)}, {"axis": 1}),
            plain(op, lambda x, f=function: f(x, 0, keepdim=True), {"x": random(13, 7)}, {"axis": 0, "keepDims": True}),
            plain(op, lambda x, f=function: f(x, -1), {"x": grid(11, 5, choices=[-2, -1, 0, 1, nan])}, {"axis": -1}),
        ]
    cases += [
        plain("argSort", lambda x: x.argsort(1), {"x": random(5, 67)}, {"axis": 1}),
        plain("argSort", lambda x: x.argsort(0, descending=True), {"x": random(13, 3)}, {"axis": 0, "descending": True}),
    ]
    for op, function in {"any": T.any, "all": T.all}.items():
        cases += [
            plain(op, lambda x, f=function: f(x), {"x": grid(3, 5, choices=[0, 1])}, None, {"x": "bool"}),
            plain(op, lambda x, f=function: f(x, 1, keepdim=True), {"x": grid(5, 3, choices=[0, 1])}, {"axes": 1, "keepDims": True}, {"x": "bool"}),
        ]
    return cases


def parts():
    mask = grid(5, 1, choices=[0, 1])
    chosen = differentiable("where", lambda condition, x, y: T.where(condition > 0, x, y), {"condition": mask, "x": random(5, 7), "y": random(7)})
    parted = lambda x: T.split(x, [1, 4, 2], 1)[1]  # noqa: E731
    return [
        {**chosen, "dtypes": {"condition": "bool"}},
        differentiable("split", parted, {"x": random(3, 7, 2)}, {"sizes": [1, 4, 2], "axis": 1}, part=1),
        differentiable("split", lambda x: T.chunk(x, 3, 0)[2], {"x": random(6, 5)}, {"parts": 3, "axis": 0}, part=2),
        differentiable("unstack", lambda x: T.unbind(x, 1)[2], {"x": random(3, 4, 5)}, {"axis": 1}, part=2),
    ]


def formulas():
    def rms(x, weight):
        return x * T.rsqrt((x * x).mean(-1, keepdim=True) + 1e-3) * weight

    def variation(x, exponent=1.25, eps=0):
        here, right, below = x[:, :-1, :-1], x[:, :-1, 1:], x[:, 1:, :-1]
        return ((right - here) ** 2 + (below - here) ** 2 + eps) ** exponent

    def shifted(x, dy, dx):
        n, h, w, _ = x.shape
        rows = [(T.arange(h) - own).clamp(0, h - 1) for own in dy]
        columns = [(T.arange(w) - own).clamp(0, w - 1) for own in dx]
        return T.stack([x[i][rows[i]][:, columns[i]] for i in range(n)])

    shift = {"dy": [2, -1, 0], "dx": [-3, 7, 1]}
    return [
        differentiable("rmsNorm", rms, {"x": random(5, 67), "weight": random(67)}, {"eps": 1e-3}),
        differentiable("rmsNorm", rms, {"x": random(2, 3, 13), "weight": random(13)}, {"eps": 1e-3}),
        differentiable("totalVariation", lambda x: variation(x).mean(), {"x": random(2, 5, 7, 3)}),
        differentiable("totalVariation", lambda x: variation(x, 0.5, 1e-2).sum(), {"x": random(2, 5, 7, 3)}, {"exponent": 0.5, "eps": 1e-2, "reduction": "sum"}),
        differentiable("imageShift", lambda x: shifted(x, **shift), {"x": random(3, 5, 7, 2)}, shift),
    ]


write("exact", {"cases": comparisons() + whole_numbers() + places() + parts() + formulas()})
