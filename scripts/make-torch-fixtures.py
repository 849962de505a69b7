"""Writes test/fixtures/torch/<op>.json: what PyTorch in float64 says our ops and optimizers give, and how far its own float32 is off.

Run from the repository root with PyTorch 1.13 installed (Debian: python3-torch):

    python3 scripts/make-torch-fixtures.py

See torch_fixtures.py for how numbers are stored.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch_fixtures import case, encode, evaluate, grid, judged, nchw, nhwc, random, seed, write

seed(20190726)


def conv2d():
    def make(name, image, kernel, bias=True, **options):
        def function(x, weight, bias=None):
            return nhwc(F.conv2d(nchw(x), weight.permute(3, 2, 0, 1), bias, **options))

        inputs = {"x": random(*image), "weight": random(*kernel)}
        if bias:
            inputs["bias"] = random(kernel[-1])
        return case(name, "conv2d", function, inputs, options)

    return [
        make("3 x 3, padding 1", (2, 7, 9, 3), (3, 3, 3, 5), padding=1),
        make("3 x 2, stride [2, 1], padding [1, 0]", (1, 11, 6, 4), (3, 2, 4, 8), stride=[2, 1], padding=[1, 0]),
        make("dilation 2, stride 2", (2, 13, 10, 4), (3, 3, 4, 6), stride=2, padding=2, dilation=2),
        make("dilation [1, 3]", (1, 5, 11, 2), (2, 3, 2, 3), dilation=[1, 3]),
        make("2 groups, stride 2", (2, 8, 7, 6), (3, 3, 3, 4), stride=2, padding=1, groups=2),
        make("depthwise, no bias", (1, 7, 6, 5), (3, 3, 1, 5), bias=False, padding=1, groups=5),
        make("1 x 1, primes above a tile", (1, 3, 5, 37), (1, 1, 37, 67)),
        make("5 x 5, padding 2, no bias", (1, 17, 13, 3), (5, 5, 3, 2), bias=False, padding=2),
        make("everything 1", (1, 1, 1, 1), (1, 1, 1, 1)),
        make("kernel as large as the input", (2, 4, 5, 3), (4, 5, 3, 7)),
        make("11 x 11, stride 4, as in AlexNet", (1, 31, 23, 3), (11, 11, 3, 4), stride=4, padding=2),
    ]


def linear():
    def make(name, x, weight, bias=True):
        inputs = {"x": random(*x), "weight": random(*weight)}
        if bias:
            inputs["bias"] = random(weight[1])
        return case(name, "linear", lambda x, weight, bias=None: F.linear(x, weight.T, bias), inputs)

    return [
        make("5 x 7 to 11", (5, 7), (7, 11)),
        make("leading axes, no bias", (2, 3, 13), (13, 5), bias=False),
        make("everything 1", (1, 1), (1, 1)),
        make("primes above a tile", (37, 67), (67, 41)),
    ]


def pools():
    def make(name, op, image, values=None, **options):
        torch_names = {"kernelSize": "kernel_size", "ceilMode": "ceil_mode", "countIncludePad": "count_include_pad"}
        given = {torch_names.get(key, key): value for key, value in options.items()}
        pool = {"maxPool2d": F.max_pool2d, "avgPool2d": F.avg_pool2d}[op]
        x = random(*image) if values is None else grid(*image, choices=values)
        return case(name, op, lambda x: nhwc(pool(nchw(x), **given)), {"x": x}, options)

    cases = []
    for op in ("maxPool2d", "avgPool2d"):
        cases += [
            make("2 x 2", op, (2, 6, 9, 3), kernelSize=2),
            make("3 x 3, stride 2, padding 1", op, (2, 7, 10, 4), kernelSize=3, stride=2, padding=1),
            make("3 x 2, overlapping", op, (1, 8, 5, 8), kernelSize=[3, 2], stride=[1, 3], padding=[1, 0]),
            make("overhanging windows", op, (1, 13, 11, 2), kernelSize=7, stride=3, padding=3, ceilMode=True),
            make("ceilMode with nothing to add", op, (1, 3, 2, 5), kernelSize=1, stride=4, ceilMode=True),
            make("one pixel", op, (2, 1, 1, 3), kernelSize=3, stride=1, padding=1),
        ]
    ceil = {"kernelSize": 3, "stride": 2, "padding": 1, "ceilMode": True, "countIncludePad": False}
    return cases + [
        make("dilated", "maxPool2d", (2, 9, 8, 3), kernelSize=[3, 2], stride=2, padding=1, dilation=[2, 3]),
        make("ties go to the first", "maxPool2d", (2, 6, 7, 2), [0, 1], kernelSize=3, stride=2, padding=1),
        make("padding does not count", "avgPool2d", (2, 6, 8, 3), **ceil),
    ]


def upsample2d():
    def make(name, image, size, mode, corners=None):
        def function(x):
            return nhwc(F.interpolate(nchw(x), size=size, mode=mode, align_corners=corners))

        options = {"size": size, "mode": mode}
        if corners is not None:
            options["alignCorners"] = corners
        return case(f"{name}, {mode}, alignCorners {corners}", "upsample2d", function, {"x": random(*image)}, options)

    rules = [("nearest", None), ("bilinear", False), ("bilinear", True)]
    sizes = [
        ("twice", (2, 3, 5, 4), [6, 10]),
        ("up, odd", (1, 5, 4, 3), [13, 7]),
        ("down", (1, 11, 17, 2), [4, 5]),
        ("down and up", (2, 7, 3, 3), [2, 11]),
        ("from one pixel", (1, 1, 1, 5), [3, 2]),
        ("to one pixel", (1, 5, 6, 3), [1, 1]),
    ]
    return [make(name, image, size, *rule) for name, image, size in sizes for rule in rules]


def elementwise():
    ties = [-2, -1, -0.5, 0, 0.5, 1, 2]

    def unary(op, function, low=-3.0, high=3.0):
        return case(op, op, function, {"x": random(3, 37, low=low, high=high)})

    def binary(op, function, x, y, name=None):
        return case(name or op, op, lambda x, y: function(x, y), {"x": x, "y": y})

    a, b = random(4, 1, 7, low=-3, high=3), random(5, 1, low=0.5, high=3)
    cases = [
        unary("neg", lambda x: -x),
        unary("exp", torch.exp, -10, 10),
        unary("log", torch.log, 0.01, 20),
        unary("sqrt", torch.sqrt, 0.01, 20),
        unary("square", torch.square),
        unary("reciprocal", torch.reciprocal, 0.2, 5),
        unary("sigmoid", torch.sigmoid, -30, 30),
        unary("tanh", torch.tanh, -12, 12),
        *[binary(op, getattr(torch, op), a, b, f"{op}, broadcast") for op in ("add", "sub", "mul", "div")],
        binary("pow", torch.pow, random(6, 11, low=0.1, high=4), random(6, 11, low=-3, high=3)),
        binary("pow", torch.pow, grid(4, 9, choices=[0, 1, 2]), grid(4, 9, choices=[1, 2, 3]), "pow, bases 0 and 1"),
        binary("maximum", torch.maximum, grid(5, 9, choices=ties), grid(5, 9, choices=ties), "maximum, with ties"),
        binary("minimum", torch.minimum, grid(5, 9, choices=ties), grid(5, 9, choices=ties), "minimum, with ties"),
    ]
    for op, function in (("abs", torch.abs), ("sign", torch.sign), ("relu", torch.relu)):
        cases.append(case(f"{op}, zero included", op, function, {"x": grid(4, 11, choices=ties)}))
    for limits in ({"min": -1, "max": 0.5}, {"min": 0}, {"max": 1}):
        x = grid(4, 11, choices=ties)
        clamped = lambda x, limits=limits: torch.clamp(x, **limits)  # noqa: E731
        cases.append(case(f"clamp {limits}, limits included", "clamp", clamped, {"x": x}, limits))
    return cases


def reductions():
    ties = [-1, 0, 1]

    def make(op, function, x, axes=None, keep=False, name=""):
        every = list(range(x.ndim)) if axes is None else axes
        options = {"keepDims": keep} if axes is None else {"axes": axes, "keepDims": keep}
        return case(f"{op} {options}{name}", op, lambda x: function(x, every, keep), {"x": x}, options)

    shapes = [((3, 5, 7), None), ((3, 5, 7), [0, 2]), ((2, 67, 3), [1]), ((1, 4, 1, 6), [0, 2, 3])]
    cases = []
    for op, function in (("sum", torch.sum), ("mean", torch.mean), ("max", torch.amax), ("min", torch.amin)):
        cases += [make(op, function, random(*shape), axes, i % 2 == 1) for i, (shape, axes) in enumerate(shapes)]
        if op in ("max", "min"):
            cases.append(make(op, function, grid(4, 6, 3, choices=ties), [1], name=", with ties"))
    return cases


def pads():
    def make(mode, edges, image, **value):
        """`edges` of rows and columns; torch's list starts at the last axis."""
        flat = [*edges[1], *edges[0]]
        options = {"mode": mode, "padding": [[0, 0], *edges, [0, 0]], **value}
        return case(
            f"{mode} {edges}", "pad", lambda x: nhwc(F.pad(nchw(x), flat, mode, **value)), {"x": random(*image)}, options
        )

    return [
        make("constant", [[1, 2], [0, 3]], (2, 3, 4, 3), value=0.75),
        make("reflect", [[2, 1], [3, 4]], (1, 3, 5, 2)),
        make("replicate", [[4, 0], [1, 5]], (2, 3, 2, 3)),
        make("replicate", [[1, 1], [1, 1]], (1, 1, 1, 3)),
    ]


def batch_norm2d():
    """Three training steps each, running statistics carried on, then one evaluation with them."""

    def make(name, shape, eps, momentum):
        channels = shape[-1]
        inputs = {"weight": random(channels, low=0.5, high=2), "bias": random(channels)}
        scale, offset = random(channels, low=0.5, high=3), random(channels, low=-4, high=4)
        batches = [random(*shape) * scale + offset for _ in range(4)]
        grad_outputs = [random(*shape) for _ in range(4)]

        def run(dtype):
            mean, var = torch.zeros(channels, dtype=dtype), torch.ones(channels, dtype=dtype)
            results = {}
            for step, (x, grad_output) in enumerate(zip(batches, grad_outputs)):

                def function(x, weight, bias):
                    image = nchw(x) if x.ndim == 4 else x
                    y = F.batch_norm(image, mean, var, weight, bias, step < 3, momentum, eps)
                    return nhwc(y) if x.ndim == 4 else y

                step_results, _ = evaluate(function, {"x": x, **inputs}, grad_output, dtype)
                results.update({f"step {step}: {key}": value for key, value in step_results.items()})
                results[f"step {step}: runningMean"] = mean.numpy().copy()
                results[f"step {step}: runningVar"] = var.numpy().copy()
            return results

        return {
            "name": name,
            "options": {"eps": eps, "momentum": momentum},
            "inputs": {key: encode(value, "f4") for key, value in inputs.items()},
            "batches": [encode(x, "f4") for x in batches],
            "gradOutputs": [encode(g, "f4") for g in grad_outputs],
            "results": judged(run),
        }

    return [
        make("NHWC, 4 channels", (3, 5, 4, 4), 1e-5, 0.1),
        make("NHWC, 3 channels", (2, 3, 7, 3), 1e-3, 0.3),
        make("[N, C]", (13, 5), 1e-5, 0.1),
        make("five values a channel", (5, 1, 1, 2), 1e-3, 0.01),
    ]


def optimizers():
    """Parameters after each of 10 steps along given gradients."""
    start, gradients = random(3, 5), random(10, 3, 5)

    def make(name, optimizer, ours, **theirs):
        def run(dtype):
            parameter = torch.tensor(start, dtype=dtype, requires_grad=True)
            steps = optimizer([parameter], **theirs)
            results = []
            for gradient in gradients:
                parameter.grad = torch.tensor(gradient, dtype=dtype)
                steps.step()
                results.append(parameter.detach().numpy().copy())
            return {"parameters": np.stack(results)}

        kind = {torch.optim.SGD: "Sgd", torch.optim.Adam: "Adam"}[optimizer]
        return {"name": f"{kind}, {name}", "optimizer": kind, "options": ours, "results": judged(run)}

    sgd, adam = torch.optim.SGD, torch.optim.Adam
    decay = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05}
    fast = {"lr": 0.05, "betas": [0.8, 0.95], "eps": 1e-3, "weight_decay": 0.02}

    def named(options):
        return {{"weight_decay": "weightDecay"}.get(key, key): value for key, value in options.items()}

    cases = [
        ("plain", sgd, {"lr": 0.1}),
        ("momentum and weight decay", sgd, decay),
        ("nesterov", sgd, {**decay, "nesterov": True}),
        ("dampening", sgd, {"lr": 0.1, "momentum": 0.8, "dampening": 0.3}),
        ("default", adam, {"lr": 0.01}),
        ("amsgrad", adam, {"lr": 0.01, "amsgrad": True}),
        ("weight decay, other betas and eps", adam, fast),
        ("amsgrad and weight decay", adam, {**fast, "amsgrad": True}),
    ]
    return {
        "start": encode(start, "f4"),
        "gradients": encode(gradients, "f4"),
        "cases": [make(name, optimizer, named(options), **options) for name, optimizer, options in cases],
    }


def training():
    """10 steps of a small network on one batch: the loss of each step, and the parameters after the last."""
    x, target = random(4, 10, 8, 3), random(4, 6)
    start = {
        "conv1.weight": random(3, 3, 3, 8) * 0.3,
        "conv1.bias": random(8) * 0.1,
        "norm.weight": random(8, low=0.8, high=1.2),
        "norm.bias": random(8) * 0.1,
        "conv2.weight": random(3, 3, 4, 6) * 0.3,
        "conv2.bias": random(6) * 0.1,
        "linear.weight": random(10 * 8 * 6, 6) * 0.05,
        "linear.bias": random(6) * 0.1,
    }

    def run(dtype):
        p = {name: torch.tensor(value, dtype=dtype, requires_grad=True) for name, value in start.items()}
        image, wanted = nchw(torch.tensor(x, dtype=dtype)), torch.tensor(target, dtype=dtype)
        running = torch.zeros(8, dtype=dtype), torch.ones(8, dtype=dtype)
        optimizer = torch.optim.Adam(list(p.values()), lr=0.01)
        losses = []
        for _ in range(10):
            optimizer.zero_grad()
            h = F.conv2d(image, p["conv1.weight"].permute(3, 2, 0, 1), p["conv1.bias"], padding=1)
            h = torch.relu(F.batch_norm(h, *running, p["norm.weight"], p["norm.bias"], True, 0.1, 1e-3))
            h = F.max_pool2d(h, 2)
            h = F.conv2d(h, p["conv2.weight"].permute(3, 2, 0, 1), p["conv2.bias"], padding=1, groups=2)
            h = F.interpolate(torch.tanh(h), scale_factor=2, mode="bilinear", align_corners=False)
            y = F.linear(nhwc(h).flatten(1), p["linear.weight"].T, p["linear.bias"])
            loss = F.mse_loss(y, wanted)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        names = {name: value.detach().numpy() for name, value in p.items()}
        return {"losses": np.array(losses), "runningMean": running[0].numpy(), "runningVar": running[1].numpy(), **names}

    return {
        "x": encode(x, "f4"),
        "target": encode(target, "f4"),
        "start": {name: encode(value, "f4") for name, value in start.items()},
        "results": judged(run),
    }


write("conv2d", {"cases": conv2d()})
write("linear", {"cases": linear()})
write("pool", {"cases": pools()})
write("upsample2d", {"cases": upsample2d()})
write("elementwise", {"cases": elementwise()})
write("reduce", {"cases": reductions()})
write("pad", {"cases": pads()})
write("batch-norm2d", {"cases": batch_norm2d()})
write("optimizers", optimizers())
write("training", training())
