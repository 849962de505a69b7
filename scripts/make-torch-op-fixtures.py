"""Writes test/fixtures/torch/ops.json: reductions, indexing, shape ops and matrix products of PyTorch, with all gradients.

Run from the repository root with PyTorch 1.13 installed (Debian: python3-torch):

    python3 scripts/make-torch-op-fixtures.py

See torch_fixtures.py for how numbers are stored. `indices`: whole numbers, or a mask, that follow the first input. `list`: the inputs are one list.
"""

import torch as T
import torch.nn.functional as F
from torch_fixtures import case, grid, nchw, nhwc, random, seed, write

seed(20240229)


def one(op, function, x, name="", **options):
    return case(f"{op} {x.shape} {options}{name}", op, function, {"x": x}, options)


def indexed(op, function, x, values, source=None, **options):
    index = T.tensor(values)
    inputs = {"x": x} if source is None else {"x": x, "source": source}
    made = case(f"{op} {x.shape} {options}", op, lambda x, source=None: function(x, index, source), inputs, options)
    return {**made, "indices": {"shape": list(index.shape), "values": index.flatten().tolist()}}


def several(op, function, *inputs, **options):
    """One list of tensors."""
    named = {f"x{i}": value for i, value in enumerate(inputs)}
    made = case(f"{op} {[x.shape for x in inputs]} {options}", op, lambda **given: function(list(given.values())), named, options)
    return {**made, "list": True}


def pair(op, function, x, y, name="", **options):
    return case(f"{op} {x.shape} {y.shape} {options}{name}", op, function, {"x": x, "y": y}, options)


def reductions():
    def family(op, function, low=-2.0, high=2.0, **more):
        """`function(x, axes, keepdim)` over all axes, two of them, and one."""
        every = list(range(3))
        draw = lambda: random(5, 7, 3, low=low, high=high)  # noqa: E731
        return [
            one(op, lambda x: function(x, every, False), draw(), **more),
            one(op, lambda x: function(x, [0, 2], True), draw(), axes=[0, 2], keepDims=True, **more),
            one(op, lambda x: function(x, [1], False), draw(), axes=-2, **more),
        ]

    def prod(x, axes, keep):
        for axis in sorted(axes, reverse=True):
            x = x.prod(axis, keep)
        return x

    cases = [
        *family("prod", prod, 0.5, 1.5),
        one("prod", lambda x: x.prod(1), grid(6, 4, choices=[0, 1, 2, -3]), ", zeros", axes=1),
        *family("variance", lambda x, axes, keep: x.var(axes, unbiased=True, keepdim=keep)),
        *family("variance", lambda x, axes, keep: x.var(axes, unbiased=False, keepdim=keep), 999, 1001, correction=0),
        *family("std", lambda x, axes, keep: x.std(axes, unbiased=True, keepdim=keep)),
        *family("logSumExp", lambda x, axes, keep: x.logsumexp(axes, keepdim=keep), -90, 90),
        *family("sumSquares", lambda x, axes, keep: (x * x).sum(axes, keepdim=keep)),
        *family("sumAbs", lambda x, axes, keep: x.abs().sum(axes, keepdim=keep)),
    ]
    for p in (1, 2, 3, 0.5):
        cases += family("norm", lambda x, axes, keep, p=p: T.linalg.vector_norm(x, p, axes, keep), **({} if p == 2 else {"p": p}))
    for op, function in (("softmax", T.softmax), ("logSoftmax", T.log_softmax)):
        cases += [one(op, lambda x, f=function: f(x, -1), random(4, 67, low=-30, high=30))]
        cases += [one(op, lambda x, f=function: f(x, 1), random(3, 11, 5), axis=1)]
    for op, function in (("cumSum", T.cumsum), ("cumProd", T.cumprod)):
        cases += [
            one(op, lambda x, f=function: f(x, 1), random(3, 37, 2), axis=1),
            one(op, lambda x, f=function: f(x.flip(0), 0).flip(0), random(13, 3, low=0.5, high=1.5), axis=0, reverse=True),
        ]
    return cases + [one("cumProd", lambda x: x.cumprod(1), grid(5, 7, choices=[0, 1, 2, -1]), ", zeros", axis=1)]


def indexing():
    return [
        indexed("gather", lambda x, i, _: x.gather(1, i), random(4, 7), [[6, 0, 6], [1, 1, 1], [2, 5, 0]], axis=1),
        indexed("take", lambda x, i, _: x.index_select(1, i), random(3, 5, 2), [4, 0, 4, 1, 4], axis=1),
        indexed("embedding", lambda x, i, _: T.nn.functional.embedding(i, x), random(11, 5), [[10, 0, 3], [3, 3, 7]]),
        indexed("scatterAdd", lambda x, i, s: x.scatter_add(0, i, s), random(5, 3), [[4, 0, 2], [4, 4, 2]], random(2, 3), axis=0),
        indexed("indexAdd", lambda x, i, s: x.index_add(1, i, s), random(3, 5), [4, 0, 4, 4], random(3, 4), axis=1),
        one("sort", lambda x: x.sort(-1).values, random(3, 17)),
        one("sort", lambda x: x.sort(0, descending=True).values, random(13, 3), axis=0, descending=True),
        one("topK", lambda x: x.topk(5, -1).values, random(3, 17), k=5),
        one("topK", lambda x: x.topk(3, 0, largest=False).values, random(11, 2), k=3, axis=0, largest=False),
    ]


def shapes():
    x = lambda: random(2, 3, 5)  # noqa: E731
    return [
        one("reshape", lambda x: x.reshape(5, -1), x(), shape=[5, -1]),
        one("flatten", lambda x: x.flatten(1), x(), start=1),
        one("squeeze", lambda x: x.squeeze(), random(1, 5, 1)),
        one("unsqueeze", lambda x: x.unsqueeze(1), x(), axes=1),
        one("transpose", lambda x: x.permute(2, 0, 1), x(), axes=[2, 0, 1]),
        one("swapAxes", lambda x: x.swapaxes(0, -1), x(), axes=[0, -1]),
        one("broadcastTo", lambda x: x.broadcast_to(4, 3, 5), random(3, 1), shape=[4, 3, 5]),
        one("slice", lambda x: x[:, 1:, ::2], x(), start=[0, 1, 0], step=[1, 1, 2]),
        one("flip", lambda x: x.flip(0, 2), x(), axes=[0, 2]),
        one("roll", lambda x: x.roll(-3, 2), x(), shift=-3, axis=2),
        one("tile", lambda x: x.tile(2, 1, 3), x(), repeats=[2, 1, 3]),
        one("repeatElements", lambda x: x.repeat_interleave(3, 1), x(), repeats=3, axis=1),
        one("tril", lambda x: x.tril(1), x(), diagonal=1),
        one("triu", lambda x: x.triu(-1), random(5, 4), diagonal=-1),
        several("concat", lambda given: T.cat(given, 1), random(2, 3), random(2, 1), random(2, 5), axis=1),
        several("stack", lambda given: T.stack(given, -1), random(2, 3), random(2, 3), axis=-1),
    ]


def products():
    mm = lambda x, y: x @ y  # noqa: E731
    return [
        pair("matmul", mm, random(7, 13), random(13, 5)),
        pair("matmul", mm, random(1, 389), random(389, 3), ", long sums"),
        pair("matmul", lambda x, y: 0.5 * (x.mT @ y.mT), random(13, 7), random(5, 13), transposeA=True, transposeB=True, alpha=0.5),
        pair("matmul", mm, random(2, 1, 3, 11), random(5, 11, 4), ", batches broadcast"),
        pair("matmul", mm, random(11), random(3, 11, 2), ", a vector"),
        pair("matmul", mm, random(11), random(11), ", two vectors"),
    ]


def limits():
    inputs = {"x": random(5, 13, low=-3, high=3), "low": random(13, low=-2, high=0), "high": random(5, 1, low=-0.5, high=2)}
    clamped = lambda x, low, high: T.clamp(x, low, high)  # noqa: E731
    return [case("clampBetween, some limits crossed", "clampBetween", clamped, inputs)]


def running():
    cases = []
    for op, function in (("cumMax", T.cummax), ("cumMin", T.cummin)):
        cases += [
            one(op, lambda x, f=function: f(x, 1).values, random(3, 37, 2), axis=1),
            one(op, lambda x, f=function: f(x, 0).values, grid(70, 3, choices=[0, 1, 2, -1]), ", ties", axis=0),
            one(op, lambda x, f=function: f(x.flip(0), 0).values.flip(0), random(13, 3), axis=0, reverse=True),
        ]
    return cases


def thresholds():
    wide = lambda: random(5, 7, low=-3, high=3)  # noqa: E731
    mask = [True, False, False, True, False, True, False]
    filled = indexed("maskedFill", lambda x, m, _: x.masked_fill(m, -2.5), random(5, 7), mask, value=-2.5)
    return [
        {**filled, "indices": {**filled["indices"], "dtype": "bool"}},
        case("prelu, a slope a channel", "prelu", lambda x, weight: T.where(x > 0, x, weight * x), {"x": wide(), "weight": random(7)}),
        case("prelu, one slope", "prelu", lambda x, weight: F.prelu(x, weight), {"x": grid(4, 5, choices=[-2, -1, 0, 1]), "weight": random(1)}),
        one("threshold", lambda x: F.threshold(x, 0.5, -7), grid(5, 7, choices=[-1, 0.5, 0.75, 2]), threshold=0.5, value=-7),
        one("hardShrink", lambda x: F.hardshrink(x), grid(5, 7, choices=[-2, -0.5, -0.25, 0, 0.5, 0.75])),
        one("softShrink", lambda x: F.softshrink(x, 0.3), wide(), **{"lambda": 0.3}),
        one("tanhShrink", lambda x: F.tanhshrink(x), wide()),
        one("glu", lambda x: F.glu(x, 0), random(6, 5), axis=0),
    ]


def windows():
    """Images NHWC; windows in the order KH, KW, C."""

    def unfolded(x, kernel, **options):
        n, _, _, c = x.shape
        y = F.unfold(nchw(x), kernel, **options)
        return y.reshape(n, c, -1, y.shape[2]).permute(0, 3, 2, 1).flatten(2)

    def folded(x, size, kernel, **options):
        n, count, _ = x.shape
        y = x.reshape(n, count, kernel[0] * kernel[1], -1).permute(0, 3, 2, 1).flatten(1, 2)
        return nhwc(F.fold(y, size, kernel, **options))

    uneven = {"stride": [2, 1], "padding": [1, 2], "dilation": [1, 2]}
    pooled, places = F.max_pool2d(nchw(T.tensor(random(2, 6, 4, 3))), (3, 2), return_indices=True)
    return [
        one("unfold", lambda x: unfolded(x, (2, 3), **uneven), random(2, 7, 5, 3), kernelSize=[2, 3], **uneven),
        one("unfold", lambda x: unfolded(x, (3, 3)), random(1, 5, 4, 4), kernelSize=3),
        one("fold", lambda x: folded(x, (7, 5), (2, 3), **uneven), random(2, 20, 18), kernelSize=[2, 3], size=[7, 5], **uneven),
        one("fold", lambda x: folded(x, (5, 4), (3, 3)), random(1, 6, 36), kernelSize=3, size=[5, 4]),
        one("lpPool2d", lambda x: nhwc(F.lp_pool2d(nchw(x), 2, (2, 3), (1, 2), True)), random(2, 5, 6, 3), kernelSize=[2, 3], stride=[1, 2], ceilMode=True),
        one("lpPool2d", lambda x: nhwc(F.lp_pool2d(nchw(x), 3, 2)), random(1, 6, 4, 4, low=0.1, high=2), kernelSize=2, p=3),
        one("lpPool1d", lambda x: F.lp_pool1d(x.permute(0, 2, 1), 1.5, 3, 2).permute(0, 2, 1), random(2, 9, 3, low=0.1, high=2), kernelSize=3, stride=2, p=1.5),
        one("maxPool2dWithIndices", lambda x: nhwc(F.max_pool2d(nchw(x), (3, 2), (2, 1), 1)), grid(2, 7, 5, 3, choices=[0, 1, 2]), kernelSize=[3, 2], stride=[2, 1], padding=1),
        indexed("maxUnpool2d", lambda x, i, _: nhwc(F.max_unpool2d(nchw(x), nchw(i), (3, 2))), nhwc(pooled).numpy(), nhwc(places).tolist(), kernelSize=[3, 2]),
        indexed("scatter", lambda x, i, s: x.scatter(1, i, s), random(3, 7), [[6, 0, 3], [1, 5, 2]], random(2, 3), axis=1),
    ]


def grids():
    cases = []
    for mode, padding, corners in [("bilinear", "zeros", False), ("bilinear", "border", True), ("bilinear", "reflection", False), ("bilinear", "reflection", True), ("nearest", "border", False)]:
        options = {"mode": mode, "paddingMode": padding, "alignCorners": corners}

        def sampled(x, grid, mode=mode, padding=padding, corners=corners):
            return nhwc(F.grid_sample(nchw(x), grid, mode, padding, corners))

        inputs = {"x": random(2, 5, 4, 3), "grid": random(2, 3, 2, 2, low=-1.8, high=1.8)}
        cases.append(case(f"gridSample {options}", "gridSample", sampled, inputs, options))
    for corners in (False, True):
        positions = lambda x, corners=corners: F.affine_grid(x, (2, 1, 3, 5), align_corners=corners)  # noqa: E731
        cases.append(one("affineGrid", positions, random(2, 2, 3), size=[3, 5], alignCorners=corners))
    return cases


def sums_of_products():
    equations = [
        ("bqhd,bkhd->bhqk", (2, 5, 3, 7), (2, 4, 3, 7)),
        ("...ij,...jk->...ik", (2, 3, 5), (4, 1, 5, 2)),
        ("iij,jk,k->i", (3, 3, 4), (4, 5), (5,)),
        ("ab,cd", (2, 3), (3, 2)),
    ]
    return [
        several("einsum", lambda given, e=equation: T.einsum(e, *given), *[random(*shape) for shape in shapes], equation=equation)
        for equation, *shapes in equations
    ]


write("ops", {"cases": reductions() + indexing() + shapes() + products() + limits() + running() + thresholds() + windows() + grids() + sums_of_products()})
