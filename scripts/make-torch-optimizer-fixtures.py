"""Writes test/fixtures/torch/trajectories.json and schedules.json: 100 steps of every optimizer and of every schedule of PyTorch.

Run from the repository root with PyTorch 1.13 installed (Debian: python3-torch):

    python3 scripts/make-torch-optimizer-fixtures.py

Two parameters, one of them of one element, follow gradients of very different sizes; the parameters after steps 1, 2, 3, 10,
50 and 100 are kept. See torch_fixtures.py for how numbers are stored.
"""

import numpy as np
import torch
from torch_fixtures import encode, judged, random, seed, write

seed(20191208)
STEPS, KEPT = 100, [1, 2, 3, 10, 50, 100]
SHAPES = [(3, 7), (1,)]

start = [random(*shape) for shape in SHAPES]
sizes = (10.0 ** random(7, low=-4, high=1)).astype(np.float32)
gradients = [random(STEPS, *shape) for shape in SHAPES]
gradients[0] *= sizes

NAMES = {
    "weight_decay": "weightDecay",
    "lr_decay": "lrDecay",
    "initial_accumulator_value": "initialAccumulatorValue",
    "momentum_decay": "momentumDecay",
}


def trajectory(kind, ours, groups=None, **options):
    """`groups`: the options in which the second parameter differs."""

    def run(dtype):
        parameters = [torch.tensor(value, dtype=dtype, requires_grad=True) for value in start]
        given = parameters if groups is None else [{"params": [parameters[0]]}, {"params": [parameters[1]], **groups}]
        optimizer = getattr(torch.optim, kind)(given, **options)
        kept = [[] for _ in parameters]
        for step in range(STEPS):
            for parameter, own in zip(parameters, gradients):
                parameter.grad = torch.tensor(own[step], dtype=dtype)
            optimizer.step()
            if step + 1 in KEPT:
                for parameter, rows in zip(parameters, kept):
                    rows.append(parameter.detach().numpy().copy())
        return {str(i): np.stack(rows) for i, rows in enumerate(kept)}

    def named(given):
        return {NAMES.get(key, key): value for key, value in given.items() if key != "foreach"}

    return {
        "name": f"{ours} {({**options, **({'second group': groups} if groups else {})})}",
        "optimizer": ours,
        "options": named(options),
        "group": None if groups is None else named(groups),
        "results": judged(run),
    }


def trajectories():
    decay = {"weight_decay": 0.02}
    climb = {"maximize": True}
    betas = {"betas": [0.8, 0.95]}
    rows = [
        ("SGD", "Sgd", {"lr": 0.05}),
        ("SGD", "Sgd", {"lr": 0.05, **decay, **climb}),
        ("SGD", "Sgd", {"lr": 0.02, "momentum": 0.9}),
        ("SGD", "Sgd", {"lr": 0.02, "momentum": 0.9, "dampening": 0.3, **decay}),
        ("SGD", "Sgd", {"lr": 0.02, "momentum": 0.9, "nesterov": True, **decay, "foreach": True}),
        ("SGD", "Sgd", {"lr": 0.02, "momentum": 0.9, "dampening": -0.1, **climb}),
        ("Adam", "Adam", {"lr": 0.01}),
        ("Adam", "Adam", {"lr": 0.01, "amsgrad": True, **betas}),
        ("Adam", "Adam", {"lr": 0.01, **decay, "foreach": True}),
        ("Adam", "Adam", {"lr": 0.05, "eps": 1e-2, "amsgrad": True, **decay, **climb}),
        ("AdamW", "AdamW", {"lr": 0.01}),
        ("AdamW", "AdamW", {"lr": 0.02, "weight_decay": 0.3, "amsgrad": True, **betas}),
        ("AdamW", "AdamW", {"lr": 0.02, "weight_decay": 0.0, **climb}),
        ("RMSprop", "RmsProp", {}),
        ("RMSprop", "RmsProp", {"lr": 0.01, "alpha": 0.9, "centered": True}),
        ("RMSprop", "RmsProp", {"lr": 0.005, "momentum": 0.8, **decay}),
        ("RMSprop", "RmsProp", {"lr": 0.005, "momentum": 0.8, "centered": True, "eps": 1e-4, **decay, **climb}),
        ("Adagrad", "Adagrad", {}),
        ("Adagrad", "Adagrad", {"lr": 0.1, "lr_decay": 0.05, **decay}),
        ("Adagrad", "Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-3, **climb}),
        ("Adadelta", "Adadelta", {}),
        ("Adadelta", "Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-4, **decay, **climb}),
        ("Adamax", "Adamax", {}),
        ("Adamax", "Adamax", {"lr": 0.01, **betas, **decay, **climb}),
        # PyTorch 1.13 without foreach multiplies by one momentum too many; with it, and since 2.0, it does not.
        ("NAdam", "NAdam", {"foreach": True}),
        ("NAdam", "NAdam", {"lr": 0.01, **betas, **decay, "momentum_decay": 0.01, "foreach": True}),
        ("RAdam", "RAdam", {}),
        ("RAdam", "RAdam", {"lr": 0.01, **betas, **decay}),
    ]
    cases = [trajectory(kind, ours, **options) for kind, ours, options in rows]
    cases += [
        trajectory("SGD", "Sgd", {"lr": 0.3, "weight_decay": 0.1}, lr=0.02, momentum=0.9),
        trajectory("Adam", "Adam", {"lr": 0.001, "betas": [0.5, 0.9]}, lr=0.02, weight_decay=0.05),
    ]
    return {
        "kept": KEPT,
        "start": [encode(value, "f4") for value in start],
        "gradients": [encode(value, "f4") for value in gradients],
        "cases": cases,
    }


def schedule(name, options, make, steps=40, lr=0.05, momentum=False):
    """The learning rates (and momenta) of each step; `make` gets the optimizer and torch's schedulers."""
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=lr, momentum=0.9)
    scheduler = make(optimizer, torch.optim.lr_scheduler)
    rates, momenta = [], []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        scheduler.step()
    content = {"name": name, "options": options, "lr": lr, "rates": rates}
    return {**content, "momenta": momenta} if momentum else content


def schedules():
    cycle = {"steps": 40, "rise": 0.3}
    third = {"pct_start": 0.25, "three_phase": True, "anneal_strategy": "linear"}

    def chain(optimizer, s):
        return s.ChainedScheduler([s.LinearLR(optimizer, 0.25, total_iters=5), s.ExponentialLR(optimizer, 0.9)])

    def sequence(optimizer, s):
        return s.SequentialLR(optimizer, [s.ConstantLR(optimizer, 0.1, 100), s.ExponentialLR(optimizer, 0.9)], [7])

    return [
        schedule("stepDecay", {"factor": 0.3, "every": 7}, lambda o, s: s.StepLR(o, 7, 0.3)),
        schedule("multiStep", {"milestones": [3, 11, 30], "factor": 0.5}, lambda o, s: s.MultiStepLR(o, [3, 11, 30], 0.5)),
        schedule("exponential", {"factor": 0.93}, lambda o, s: s.ExponentialLR(o, 0.93)),
        schedule("cosine", {"epochs": 39, "final": 0.1}, lambda o, s: s.CosineAnnealingLR(o, 39, 0.005)),
        schedule("cosineRestarts", {"epochs": 7, "final": 0.1}, lambda o, s: s.CosineAnnealingWarmRestarts(o, 7, 1, 0.005)),
        schedule("cosineRestarts", {"epochs": 5, "growth": 2}, lambda o, s: s.CosineAnnealingWarmRestarts(o, 5, 2)),
        schedule("linearRamp", {"epochs": 12}, lambda o, s: s.LinearLR(o, total_iters=12)),
        schedule("linearRamp", {"epochs": 9, "from": 1, "to": 0.2}, lambda o, s: s.LinearLR(o, 1, 0.2, 9)),
        schedule("polynomial", {"epochs": 30, "power": 2}, lambda o, s: s.PolynomialLR(o, 30, 2)),
        schedule("oneCycle", cycle, lambda o, s: s.OneCycleLR(o, 0.05, 40), momentum=True),
        schedule(
            "oneCycle",
            {"steps": 40, "rise": 0.25, "threePhase": True, "shape": "linear", "startDivisor": 10, "finalDivisor": 100},
            lambda o, s: s.OneCycleLR(o, 0.05, 40, div_factor=10, final_div_factor=100, **third),
            momentum=True,
        ),
        schedule("chained", {}, chain),
        schedule("sequence", {}, sequence),
    ]


def plateau():
    """Rates after each of these measures."""
    measures = [3.0, 2.0, 2.0, 2.1, 1.99999, 1.9, 1.95, 1.95, 2.5, 1.9, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]

    def make(options, **theirs):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.05)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **theirs)
        rates = []
        for measure in measures:
            scheduler.step(measure if theirs.get("mode") != "max" else -measure)
            rates.append(optimizer.param_groups[0]["lr"])
        return {"options": options, "rates": rates}

    return {
        "measures": measures,
        "cases": [
            make({"patience": 2, "factor": 0.5}, patience=2, factor=0.5),
            make({"patience": 1, "cooldown": 2, "minLr": 0.002}, patience=1, cooldown=2, min_lr=0.002),
            make({"patience": 0, "factor": 0.9, "threshold": 0.1}, patience=0, factor=0.9, threshold=0.1),
        ],
    }


write("trajectories", trajectories())
write("schedules", {"cases": schedules(), "plateau": plateau()})
