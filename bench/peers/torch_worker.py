"""PyTorch as a worker: one JSON message a line, as serve.mjs has them."""
import json
import math
import resource
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
LEARNING_RATE = 0.01
EPS = 1e-3


def numbers(shape, seed, scale=1.0):
    state = (seed * 0x9E3779B1) & 0xFFFFFFFF
    values = np.empty(math.prod(shape), np.float64)
    for i in range(values.size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = scale * (state / 2**31 - 1)
    return torch.from_numpy(values.astype(np.float32)).reshape(shape).to(DEVICE)


def nchw(x):
    return x.permute(0, 3, 1, 2).contiguous()


def nhwc(x):
    return x.permute(0, 2, 3, 1).contiguous()


def weights(shape, seed):
    return numbers(shape, seed, math.sqrt(3 / math.prod(shape[:-1])))


def oihw(w):
    return w.permute(3, 2, 0, 1).contiguous()


def same(x, w, stride):
    kernel = w.shape[-1]
    down, across = [max(0, (math.ceil(size / stride) - 1) * stride + kernel - size) for size in x.shape[-2:]]
    if down == across and down % 2 == 0:
        return F.conv2d(x, w, stride=stride, padding=down // 2)
    return F.conv2d(F.pad(x, [across // 2, across - across // 2, down // 2, down - down // 2]), w, stride=stride)


def training(row):
    n, side, channels, voxels = row["N"], row["side"], row["channels"], row["voxels"]
    if row["op"] == "encoder":
        side_map = side // 8
        x, y = nchw(numbers([n, side, side, 3], 1)), numbers([n, voxels], 2)
        shapes = [[5, 5, 3, channels], [3, 3, channels, channels], [3, 3, channels, channels]]
        dense = weights([side_map * side_map * channels, voxels], 20)
    else:
        side_map = side // 4
        x, y = numbers([n, voxels], 1), nchw(numbers([n, side, side, 3], 2))
        shapes = [[3, 3, channels, channels], [3, 3, channels, channels], [3, 3, channels, 3]]
        dense = weights([voxels, side_map * side_map * channels], 20)
    convs = [oihw(weights(shape, 10 + i)) for i, shape in enumerate(shapes)]
    count = 3 if row["op"] == "encoder" else 2
    gains = [weights([channels], 30 + i) for i in range(count)]
    shifts = [weights([channels], 40 + i) for i in range(count)]
    parameters = [*convs, dense, *gains, *shifts]
    for parameter in parameters:
        parameter.requires_grad_()
    optimizer = torch.optim.SGD(parameters, lr=LEARNING_RATE)

    def norm(h, i):
        return F.relu(F.batch_norm(h, None, None, gains[i], shifts[i], training=True, eps=EPS))

    def forward():
        if row["op"] == "encoder":
            h = x
            for i, w in enumerate(convs):
                h = norm(same(h, w, 2), i)
            return nhwc(h).reshape(n, -1) @ dense
        h = nchw((x @ dense).reshape(n, side_map, side_map, channels))
        for i, w in enumerate(convs[:2]):
            h = F.interpolate(norm(same(h, w, 1), i), scale_factor=2, mode="nearest")
        return torch.sigmoid(same(h, convs[2], 1))

    def run():
        optimizer.zero_grad()
        loss = F.mse_loss(forward(), y)
        loss.backward()
        optimizer.step()
        return loss.detach().reshape(1)

    return run, lambda result: result


def gradient_of(leaf, forward, gradient):
    """The backward pass alone, run again and again."""
    leaf.requires_grad_()
    result = forward()
    return lambda: torch.autograd.grad(result, leaf, gradient, retain_graph=True)[0]


def prepare(row):
    kind = row["op"]
    if kind in ("encoder", "decoder"):
        return training(row)
    if kind == "matmul":
        a, b = numbers([row["M"], row["K"]], 1), numbers([row["K"], row["N"]], 2)
        return lambda: a @ b, lambda result: result
    stride = row["S"]
    x = nchw(numbers([row["N"], row["H"], row["W"], row["C"]], 1))
    w = oihw(numbers([row["K"], row["K"], row["C"], row["O"]], 2))
    g = nchw(numbers([row["N"], math.ceil(row["H"] / stride), math.ceil(row["W"] / stride), row["O"]], 3))
    if kind == "conv":
        return lambda: same(x, w, stride), nhwc
    if kind == "convdx":
        return gradient_of(x, lambda: same(x, w, stride), g), nhwc
    if kind == "convdw":
        return gradient_of(w, lambda: same(x, w, stride), g), lambda r: r.permute(2, 3, 1, 0).contiguous()
    if kind == "upsample":
        return lambda: F.interpolate(x, scale_factor=2, mode="nearest"), nhwc
    scale, shift = numbers([row["C"]], 4), numbers([row["C"]], 5)
    return lambda: F.batch_norm(x, None, None, scale, shift, training=True, eps=EPS), nhwc


def drain():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def cpu_ms():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return 1000 * (usage.ru_utime + usage.ru_stime)


def answer(message, state):
    if message["what"] == "prepare":
        state["run"], arrange = prepare(message["row"])
        start = time.perf_counter()
        result = state["run"]()
        drain()
        first = 1000 * (time.perf_counter() - start)
        return {"firstMs": first, "probe": arrange(result).reshape(-1)[:64].tolist()}
    cpu, start = cpu_ms(), time.perf_counter()
    for _ in range(message["calls"]):
        state["run"]()
    drain()
    return {"wall": 1000 * (time.perf_counter() - start) / message["calls"], "cpu": (cpu_ms() - cpu) / message["calls"]}


STATE = {}
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    try:
        reply = answer(json.loads(line), STATE)
    except Exception as error:  # noqa: BLE001 - the parent reports it
        reply = {"error": str(error).split("\n")[0]}
    print(json.dumps(reply), flush=True)
