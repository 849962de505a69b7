"""Writes test/fixtures/torch/images.json: ops on images and sequences of torch.nn.functional, with the gradients of every input.

Run from the repository root with PyTorch 1.13 installed (Debian: python3-torch):

    python3 scripts/make-torch-image-fixtures.py

Convolutions, poolings, resizings and normalisations that make-torch-fixtures.py leaves out. Channels are moved to the last axis,
where ours are; 1-D filters are [K, in, out], filters of transposed convolutions [KH, KW, out, in].
See torch_fixtures.py for how numbers are stored.
"""

import torch.nn.functional as F
from torch_fixtures import case, grid, nchw, nhwc, random, seed, write

seed(20200229)

NAMES = {
    "kernelSize": "kernel_size",
    "ceilMode": "ceil_mode",
    "countIncludePad": "count_include_pad",
    "divisorOverride": "divisor_override",
    "outputPadding": "output_padding",
    "alignCorners": "align_corners",
    "scale": "scale_factor",
    "groups": "groups",
}


def renamed(options):
    return {NAMES.get(key, key): value for key, value in options.items()}


def ncl(x):
    return x.permute(0, 2, 1)


nlc = ncl


def conv(op, function, image, kernel, to_torch, back, bias=True, name="", **options):
    """`to_torch` turns the image and `back` the result; the kernel's axes are reversed in place but for the last two."""

    def call(x, weight, bias=None):
        order = [-1, -2, *range(weight.ndim - 2)]
        return back(function(to_torch(x), weight.permute([d % weight.ndim for d in order]), bias, **renamed(options)))

    inputs = {"x": random(*image), "weight": random(*kernel)}
    if bias:
        groups = options.get("groups", 1)
        inputs["bias"] = random(kernel[-2] * groups if "ranspose" in op else kernel[-1])
    return case(f"{op} {image} {kernel} {options}{name}", op, call, inputs, options)


def convolutions():
    def up(image, kernel, bias=True, **options):
        return conv("convTranspose2d", F.conv_transpose2d, image, kernel, nchw, nhwc, bias, **options)

    def line(image, kernel, bias=True, **options):
        return conv("conv1d", F.conv1d, image, kernel, ncl, nlc, bias, **options)

    def up_line(image, kernel, bias=True, **options):
        return conv("convTranspose1d", F.conv_transpose1d, image, kernel, ncl, nlc, bias, **options)

    return [
        up((2, 3, 5, 4), (3, 2, 5, 4)),
        up((2, 5, 4, 19), (4, 4, 3, 19), stride=2, padding=1),
        up((1, 4, 3, 5), (3, 3, 7, 5), stride=[2, 3], padding=1, outputPadding=[1, 2]),
        up((2, 3, 4, 3), (3, 2, 4, 3), False, dilation=[3, 2], padding=1, outputPadding=[2, 1]),
        up((2, 4, 3, 6), (3, 2, 2, 6), groups=3, padding=1, stride=[1, 2]),
        up((1, 5, 4, 5), (3, 3, 1, 5), groups=5, stride=2),
        up((1, 1, 1, 1), (1, 1, 1, 1)),
        line((2, 11, 5), (3, 5, 7)),
        line((2, 13, 4), (4, 4, 6), stride=3, padding=2, dilation=2),
        line((1, 9, 6), (3, 1, 12), False, groups=6, padding=1),
        up_line((2, 5, 4), (4, 7, 4), stride=2, padding=1),
        up_line((1, 5, 6), (3, 2, 6), groups=3, stride=3, outputPadding=2, dilation=2),
        conv("conv2d", F.conv2d, (2, 7, 6, 4), (3, 3, 1, 12), nchw, nhwc, groups=4, padding=1, stride=2, name=", depthwise times 3"),
    ]


def pool(op, function, x, to_torch, back, **options):
    return case(f"{op} {x.shape} {options}", op, lambda x: back(function(to_torch(x), **renamed(options))), {"x": x}, options)


def poolings():
    def adaptive(op, function, shape, size, ties=False):
        x = grid(*shape, choices=[0, 1]) if ties else random(*shape)
        two = len(shape) == 4
        given = (lambda x: nhwc(function(nchw(x), size))) if two else (lambda x: nlc(function(ncl(x), size)))
        return case(f"{op} {shape} to {size}{', ties' if ties else ''}", op, given, {"x": x}, {"size": size})

    ceil = {"kernelSize": 3, "stride": 2, "padding": 1, "ceilMode": True}
    cases = [
        pool("avgPool2d", F.avg_pool2d, random(2, 6, 5, 3), nchw, nhwc, **ceil, divisorOverride=4),
        pool("avgPool2d", F.avg_pool2d, random(1, 5, 7, 4), nchw, nhwc, kernelSize=[2, 3], stride=1, divisorOverride=-3),
        pool("maxPool1d", F.max_pool1d, random(2, 11, 3), ncl, nlc, kernelSize=5, stride=3, padding=2, ceilMode=True),
        pool("maxPool1d", F.max_pool1d, random(2, 9, 4), ncl, nlc, kernelSize=3, stride=1, dilation=2),
        pool("avgPool1d", F.avg_pool1d, random(2, 11, 3), ncl, nlc, **ceil),
        pool("avgPool1d", F.avg_pool1d, random(1, 8, 4), ncl, nlc, kernelSize=3, padding=1, countIncludePad=False),
    ]
    for shape, size in [((2, 7, 11, 3), [3, 5]), ((1, 6, 8, 4), [3, 2]), ((1, 3, 2, 2), [5, 7]), ((2, 5, 3, 3), [1, 1])]:
        cases.append(adaptive("adaptiveAvgPool2d", F.adaptive_avg_pool2d, shape, size))
        cases.append(adaptive("adaptiveMaxPool2d", F.adaptive_max_pool2d, shape, size))
    return cases + [
        adaptive("adaptiveMaxPool2d", F.adaptive_max_pool2d, (2, 6, 7, 2), [3, 3], True),
        adaptive("adaptiveAvgPool1d", F.adaptive_avg_pool1d, (2, 7, 3), 3),
        adaptive("adaptiveMaxPool1d", F.adaptive_max_pool1d, (2, 7, 3), 4),
        case("globalAvgPool2d", "globalAvgPool2d", lambda x: x.mean((1, 2)), {"x": random(2, 31, 29, 3)}),
        case(
            "globalMaxPool2d, ties",
            "globalMaxPool2d",
            lambda x: F.adaptive_max_pool2d(nchw(x), 1).flatten(1),
            {"x": grid(2, 5, 4, 3, choices=[0, 1])},
        ),
    ]


def resizings():
    def make(shape, **options):
        two = len(shape) == 4
        theirs = renamed({"mode": "nearest", **options})
        if not two and theirs["mode"] == "linear" or theirs["mode"] in ("bilinear", "bicubic"):
            theirs.setdefault("align_corners", False)
        scale = theirs.get("scale_factor")
        if isinstance(scale, list):
            theirs["scale_factor"] = tuple(scale)
        op = "upsample2d" if two else "upsample1d"
        turn, back = (nchw, nhwc) if two else (ncl, nlc)
        return case(f"{op} {shape} {options}", op, lambda x: back(F.interpolate(turn(x), **theirs)), {"x": random(*shape)}, options)

    smooth = [{"mode": mode, "alignCorners": corners} for mode in ("bilinear", "bicubic") for corners in (False, True)]
    wide = [{"mode": mode, "antialias": True} for mode in ("bilinear", "bicubic")]
    cases = []
    for rule in [{"mode": "nearest"}, {"mode": "nearest-exact"}, *smooth]:
        cases += [make((1, 5, 7, 3), scale=[1.3, 2.5], **rule), make((1, 11, 9, 2), scale=[0.7, 0.4], **rule)]
    for rule in [{"mode": "nearest-exact"}, *smooth[2:], *wide]:
        for shape, size in [((2, 3, 5, 4), [7, 10]), ((1, 13, 11, 2), [4, 5]), ((1, 7, 3, 3), [2, 8]), ((1, 1, 1, 2), [3, 2])]:
            cases.append(make(shape, size=size, **rule))
    return cases + [
        make((2, 5, 3), scale=2.0),
        make((2, 7, 3), size=4, mode="nearest-exact"),
        make((2, 5, 3), scale=1.7, mode="linear"),
        make((2, 9, 3), size=4, mode="linear", alignCorners=True),
        case("pixelShuffle", "pixelShuffle", lambda x: nhwc(F.pixel_shuffle(nchw(x), 2)), {"x": random(2, 3, 2, 12)}, {"factor": 2}),
        case("pixelUnshuffle", "pixelUnshuffle", lambda x: nhwc(F.pixel_unshuffle(nchw(x), 3)), {"x": random(1, 6, 3, 2)}, {"factor": 3}),
    ]


def normalisations():
    def make(op, function, image, affine, name="", offset=0.0, **options):
        inputs = {"x": random(*image, low=-1 + offset, high=2 + offset)}
        if affine:
            inputs |= {"weight": random(*affine, low=0.5, high=2), "bias": random(*affine)}
        call = lambda x, weight=None, bias=None: function(x, weight, bias)  # noqa: E731
        return case(f"{op} {image} {options}{name}", op, call, inputs, options)

    def group(shape, groups, eps=1e-5, affine=True, **more):
        last = shape[-1:] if affine else None
        to = lambda x: x.movedim(-1, 1)  # noqa: E731
        call = lambda x, w, b: F.group_norm(to(x), groups, w, b, eps).movedim(1, -1)  # noqa: E731
        return make("groupNorm", call, shape, last, groups=groups, eps=eps, **more)

    def layer(shape, count, eps=1e-5, affine=True, **more):
        last = shape[-count:]
        call = lambda x, w, b: F.layer_norm(x, last, w, b, eps)  # noqa: E731
        return make("layerNorm", call, shape, last if affine else None, shape=list(last), eps=eps, **more)

    def instance(shape, eps=1e-5, affine=True, **more):
        call = lambda x, w, b: F.instance_norm(x.movedim(-1, 1), None, None, w, b, True, 0.1, eps).movedim(1, -1)  # noqa: E731
        return make("instanceNorm", call, shape, shape[-1:] if affine else None, eps=eps, **more)

    def response(shape, size, **options):
        call = lambda x: F.local_response_norm(x.movedim(-1, 1), size, **options).movedim(1, -1)  # noqa: E731
        given = {"size": size, **options}
        return case(f"localResponseNorm {shape} {given}", "localResponseNorm", call, {"x": random(*shape, low=-3, high=3)}, given)

    far = {"offset": 1000.0, "name": ", mean 1000"}
    return [
        group((2, 5, 7, 6), 3),
        group((2, 3, 4, 4), 1, 1e-3),
        group((3, 5, 8), 4, affine=False),
        group((13, 6), 2),
        group((2, 5, 7, 4), 2, **far),
        layer((5, 7), 1),
        layer((2, 3, 5, 4), 3),
        layer((3, 4, 5), 2, affine=False),
        layer((2, 3, 67), 1, 1e-3),
        layer((3, 61), 1, **far),
        instance((2, 5, 7, 3)),
        instance((2, 3, 4, 8), 1e-3, affine=False),
        instance((3, 11, 5)),
        instance((2, 5, 7, 3), **far),
        response((2, 3, 5, 7), 5),
        response((2, 4, 6, 6), 4, alpha=0.5, beta=1.25, k=2.0),
        response((2, 3, 4), 3, alpha=1.0),
    ]


write("images", {"cases": convolutions() + poolings() + resizings() + normalisations()})
