"""Writes test/fixtures/torch/losses.json: the losses of torch.nn.functional, with the gradients of every input.

Run from the repository root with PyTorch 1.13 installed (Debian: python3-torch):

    python3 scripts/make-torch-loss-fixtures.py

Classes are moved to the last axis, where ours are. See torch_fixtures.py for how numbers are stored.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch_fixtures import case, encode, grid, random, seed, write

seed(20191210)


def loss(op, function, inputs, options=None, indices=None, name=""):
    """`indices`: the class numbers, which have no gradient."""
    result = case(f"{op} {options or {}}{name}", op, function, inputs, options)
    if indices is not None:
        result["indices"] = {"shape": list(indices.shape), "values": indices.flatten().tolist()}
    return result


def plain():
    cases = []
    a, b = random(5, 7, low=-3, high=3), random(5, 7, low=-3, high=3)
    for reduction in ("mean", "sum", "none"):
        options = {"reduction": reduction}

        def pair(op, function, ours=None, **theirs):
            given = {"prediction": a, "target": b}
            call = lambda prediction, target: function(prediction, target, reduction=reduction, **theirs)  # noqa: E731
            cases.append(loss(op, call, given, {**(ours or {}), **options}))

        pair("mse", F.mse_loss)
        pair("l1", F.l1_loss)
        pair("smoothL1", F.smooth_l1_loss)
        pair("smoothL1", F.smooth_l1_loss, {"beta": 0.3}, beta=0.3)
        pair("smoothL1", F.smooth_l1_loss, {"beta": 0}, beta=0.0)
        pair("huber", F.huber_loss)
        pair("huber", F.huber_loss, {"delta": 2.5}, delta=2.5)
    kinks = {"prediction": grid(4, 9, choices=[-1, 0, 1]), "target": grid(4, 9, choices=[-1, 0, 1])}
    for op, function in (("l1", F.l1_loss), ("smoothL1", F.smooth_l1_loss), ("huber", F.huber_loss)):
        call = lambda prediction, target, function=function: function(prediction, target)  # noqa: E731
        cases.append(loss(op, call, kinks, name=", at the kinks"))
    return cases


def cosines():
    cases = []
    x, y = random(6, 11), random(6, 11)
    z, w = random(2, 5, 3), random(2, 5, 3)
    sign = np.array([1, -1, 1, -1, -1, 1], np.float32)
    for reduction in ("mean", "sum", "none"):
        embed = lambda x, y: F.cosine_embedding_loss(x, y, torch.tensor(sign, dtype=x.dtype), 0.1, reduction=reduction)  # noqa: E731, B023
        made = loss("cosineEmbedding", embed, {"x": x, "y": y}, {"margin": 0.1, "reduction": reduction})
        cases.append({**made, "constant": encode(sign, "f4")})
    along = lambda x, y: F.cosine_similarity(x, y, dim=1)  # noqa: E731
    cases.append(loss("cosineSimilarity", along, {"x": z, "y": w}, {"axis": 1, "reduction": "none", "eps": 1e-16}))
    return cases


def divergences():
    cases = []
    logs = np.log(random(4, 6, low=0.05, high=0.9))
    target = random(4, 6, low=0.01, high=0.9)
    for reduction in ("mean", "sum", "none", "batchMean"):
        given = {"reduction": "batchmean" if reduction == "batchMean" else reduction}
        call = lambda prediction, target, given=given: F.kl_div(prediction, target, **given)  # noqa: E731
        cases.append(loss("klDivergence", call, {"prediction": logs, "target": target}, {"reduction": reduction}))
    call = lambda prediction, target: F.kl_div(prediction, target, log_target=True)  # noqa: E731
    cases.append(loss("klDivergence", call, {"prediction": logs, "target": np.log(target)}, {"logTarget": True}))
    return cases


def binary():
    cases = []
    p, t = random(5, 7, low=0.01, high=0.99), random(5, 7, low=0, high=1)
    weight, positive = random(7, low=0.2, high=2), random(7, low=0.5, high=3)
    x = random(5, 7, low=-4, high=4)
    for reduction in ("mean", "sum", "none"):
        options = {"reduction": reduction}
        fix = lambda like, value: torch.tensor(value, dtype=like.dtype)  # noqa: E731
        call = lambda prediction, target, options=options: F.binary_cross_entropy(prediction, target, **options)  # noqa: E731
        cases.append(loss("binaryCrossEntropy", call, {"prediction": p, "target": t}, options))
        call = lambda prediction, target, options=options: F.binary_cross_entropy(prediction, target, fix(prediction, weight), **options)  # noqa: E731
        made = loss("binaryCrossEntropy", call, {"prediction": p, "target": t}, options, name=", weight")
        cases.append({**made, "tensors": {"weight": encode(weight, "f4")}})
        logits = lambda prediction, target, options=options, **more: F.binary_cross_entropy_with_logits(prediction, target, **options, **more)  # noqa: E731
        cases.append(loss("binaryCrossEntropyWithLogits", logits, {"prediction": x, "target": t}, options))
        both = lambda prediction, target, logits=logits: logits(  # noqa: E731
            prediction, target, weight=fix(prediction, weight), pos_weight=fix(prediction, positive)
        )
        made = loss("binaryCrossEntropyWithLogits", both, {"prediction": x, "target": t}, options, name=", weight, posWeight")
        cases.append({**made, "tensors": {"weight": encode(weight, "f4"), "posWeight": encode(positive, "f4")}})
    sure = {"prediction": grid(6, 9, choices=[0, 0.5, 1]), "target": grid(6, 9, choices=[0, 1])}
    call = lambda prediction, target: F.binary_cross_entropy(prediction, target)  # noqa: E731
    cases.append(loss("binaryCrossEntropy", call, sure, name=", sure predictions"))
    far = {"prediction": grid(6, 9, choices=[-1000, -100, -20, -1, 0, 1, 20, 100, 1000]), "target": grid(6, 9, choices=[0, 1])}
    call = lambda prediction, target: F.binary_cross_entropy_with_logits(prediction, target, reduction="none")  # noqa: E731
    cases.append(loss("binaryCrossEntropyWithLogits", call, far, {"reduction": "none"}, name=", extreme logits"))
    return cases


def classes():
    cases = []
    first = lambda x: x.movedim(-1, 1).contiguous() if x.ndim > 1 else x  # noqa: E731

    def make(op, shape, ours=None, name="", values=None, target=None, weight=None, **theirs):
        function = {"crossEntropy": F.cross_entropy, "nll": F.nll_loss}[op]
        K = shape[-1]
        x = random(*shape, low=-3, high=3) if values is None else grid(*shape, choices=values)
        if target is None:
            target = np.array(rng_integers(shape[:-1], K))

        def call(logits):
            given = {} if weight is None else {"weight": torch.tensor(weight, dtype=logits.dtype)}
            return function(first(logits), torch.tensor(target), **given, **theirs)

        made = loss(op, call, {"logits": x}, ours, np.asarray(target), f", {list(shape)}{name}")
        cases.append(made if weight is None else {**made, "tensors": {"weight": encode(weight, "f4")}})

    weight = random(7, low=0.2, high=2)
    for reduction in ("mean", "sum", "none"):
        options = {"reduction": reduction}
        for op in ("crossEntropy", "nll"):
            make(op, (5, 7), options, **options)
            make(op, (2, 3, 5, 7), options, **options)
            make(op, (5, 7), options, ", weight", weight=weight, **options)
            ignored = rng_integers((11,), 7)
            ignored[::3] = 2
            make(op, (11, 7), {**options, "ignoreIndex": 2}, ", weight", None, ignored, weight, ignore_index=2, **options)
        smooth = {**options, "labelSmoothing": 0.1}
        make("crossEntropy", (5, 7), smooth, label_smoothing=0.1, **options)
        ignored = rng_integers((2, 3, 4), 7)
        ignored[:, 1] = -100
        make("crossEntropy", (2, 3, 4, 7), smooth, ", weight, some ignored", None, ignored, weight, label_smoothing=0.1, **options)
    make("crossEntropy", (7,), {}, target=np.array(3))
    make("crossEntropy", (9, 1), {})
    make("crossEntropy", (8, 7), {}, ", extreme logits", [-1000, -80, 0, 80, 1000])

    def soft(shape, ours, weight=None, name="", **theirs):
        x, t = random(*shape, low=-3, high=3), random(*shape, low=0.05, high=1)
        t = (t / t.sum(-1, keepdims=True)).astype(np.float32)

        def call(logits, target):
            given = {} if weight is None else {"weight": torch.tensor(weight, dtype=logits.dtype)}
            return F.cross_entropy(first(logits), first(target), **given, **theirs)

        made = loss("crossEntropy", call, {"logits": x, "target": t}, ours, name=f", {list(shape)} probabilities{name}")
        cases.append(made if weight is None else {**made, "tensors": {"weight": encode(weight, "f4")}})

    for reduction in ("mean", "sum", "none"):
        soft((5, 7), {"reduction": reduction}, reduction=reduction)
        soft((2, 3, 4, 7), {"reduction": reduction, "labelSmoothing": 0.2}, weight, ", weight", reduction=reduction, label_smoothing=0.2)
    return cases


def rng_integers(shape, below):
    return np.floor(random(*shape, low=0, high=below)).astype(np.int64).clip(0, below - 1)


write("losses", {"cases": [*plain(), *cosines(), *divergences(), *binary(), *classes()]})
