"""Writes test/fixtures/torch/training-runs.json: the loss of every step, and the parameters after the last, of three whole trainings.

Run from the repository root with PyTorch 1.13 installed (Debian: python3-torch):

    python3 scripts/make-torch-training-fixtures.py

Every step has a batch of its own, taken in turn from a small data set. See torch_fixtures.py for how numbers are stored.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch_fixtures import encode, judged, nchw, nhwc, random, seed, write

seed(20191212)
STEPS = 40


def run_of(x, target, start, batch, forward, make_optimizer, make_scheduler=None):
    """`forward(parameters, buffers, x, target)` gives the loss."""

    def run(dtype):
        p = {name: torch.tensor(value, dtype=dtype, requires_grad=True) for name, value in start.items()}
        buffers = {}
        optimizer = make_optimizer(list(p.values()))
        scheduler = make_scheduler(optimizer) if make_scheduler else None
        losses = []
        for step in range(STEPS):
            rows = [(step * batch + i) % len(x) for i in range(batch)]
            given = torch.tensor(x[rows], dtype=dtype)
            wanted = torch.tensor(target[rows], dtype=dtype if target.dtype == np.float32 else torch.int64)
            optimizer.zero_grad()
            loss = forward(p, buffers, given, wanted)
            loss.backward()
            optimizer.step()
            if scheduler:
                scheduler.step()
            losses.append(loss.item())
        return {"losses": np.array(losses), **{name: value.detach().numpy() for name, value in p.items()}}

    content = {"x": encode(x, "f4"), "batch": batch, "start": {name: encode(value, "f4") for name, value in start.items()}}
    return {**content, "target": encode(target.astype(np.float32), "f4"), "results": judged(run)}


def conv(x, weight, bias, **options):
    return nhwc(F.conv2d(nchw(x), weight.permute(3, 2, 0, 1), bias, **options))


def classifier():
    """Convolutions, batch norm, max pooling and cross entropy, under Adam."""
    start = {
        "conv.weight": random(3, 3, 2, 6) * 0.4,
        "conv.bias": random(6) * 0.1,
        "norm.weight": random(6, low=0.8, high=1.2),
        "norm.bias": random(6) * 0.1,
        "linear.weight": random(96, 5) * 0.15,
        "linear.bias": random(5) * 0.1,
    }
    x = random(12, 8, 8, 2)
    target = np.floor(random(12, low=0, high=5)).astype(np.int64)

    def forward(p, buffers, x, target):
        mean = buffers.setdefault("mean", torch.zeros(6, dtype=x.dtype))
        var = buffers.setdefault("var", torch.ones(6, dtype=x.dtype))
        h = nchw(conv(x, p["conv.weight"], p["conv.bias"], padding=1))
        h = F.max_pool2d(torch.relu(F.batch_norm(h, mean, var, p["norm.weight"], p["norm.bias"], True, 0.1, 1e-5)), 2)
        return F.cross_entropy(F.linear(nhwc(h).flatten(1), p["linear.weight"].T, p["linear.bias"]), target)

    return run_of(x, target, start, 6, forward, lambda p: torch.optim.Adam(p, lr=0.003))


def perceptron():
    """Dense layers under Nesterov's momentum, weight decay and a cosine schedule."""
    start = {
        "first.weight": random(7, 16) * 0.5,
        "first.bias": random(16) * 0.1,
        "second.weight": random(16, 3) * 0.4,
        "second.bias": random(3) * 0.1,
    }
    x, target = random(20, 7), random(20, 3)

    def forward(p, _buffers, x, target):
        h = torch.tanh(F.linear(x, p["first.weight"].T, p["first.bias"]))
        return F.smooth_l1_loss(F.linear(h, p["second.weight"].T, p["second.bias"]), target, beta=0.5)

    return run_of(
        x,
        target,
        start,
        8,
        forward,
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS),
    )


def autoencoder():
    """A strided convolution down, upsampling and a convolution back, binary cross entropy, under AdamW."""
    start = {
        "down.weight": random(3, 3, 3, 8) * 0.3,
        "down.bias": random(8) * 0.1,
        "up.weight": random(3, 3, 8, 3) * 0.2,
        "up.bias": random(3) * 0.1,
    }
    x = random(9, 8, 6, 3, low=0, high=1)

    def forward(p, _buffers, x, target):
        h = torch.relu(conv(x, p["down.weight"], p["down.bias"], stride=2, padding=1))
        h = nhwc(F.interpolate(nchw(h), scale_factor=2, mode="bilinear", align_corners=False))
        return F.binary_cross_entropy_with_logits(conv(h, p["up.weight"], p["up.bias"], padding=1), target)

    return run_of(x, x, start, 4, forward, lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.05))


runs = {"classifier": classifier(), "perceptron": perceptron(), "autoencoder": autoencoder()}
write("training-runs", {"steps": STEPS, "runs": runs})
