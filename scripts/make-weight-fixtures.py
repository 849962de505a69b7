#!/usr/bin/env python3
"""Writes test/fixtures/weights: checkpoints of the shapes of AlexNet, VGG19 and CaffeNet, made by PyTorch and scipy.

Run from the repository root: python3 scripts/make-weight-fixtures.py (needs torch, numpy and scipy). The numbers are made up: tensors are
overlapping views of short storages, element [o, i, h, w] being the storage's o + 2 i + 3 h + 5 w, so that files stay small and
strides, offsets and shared storages are tried. expected.json has what torch makes of a picture with them.
"""
import json
import os
import shutil
from collections import OrderedDict

import numpy as np
import scipy.io
import torch

OUT = "test/fixtures/weights"
shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(OUT)
torch.manual_seed(5)
STRIDES = (1, 2, 3, 5)


def view(base, shape, offset=0):
    return base.as_strided(shape, STRIDES, offset)


def vgg_state(base):
    state = OrderedDict()
    for place, shape in [("0", (64, 3, 3, 3)), ("2", (64, 64, 3, 3)), ("5", (128, 64, 3, 3)), ("7", (128, 128, 3, 3)), ("34", (1, 1, 1, 1))]:
        state[f"features.{place}.weight"] = view(base, shape, int(place))
        state[f"features.{place}.bias"] = base[10 : 10 + shape[0]]
    return state


def expected_vgg(state, image):
    mean, sd = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = ((image - mean) / sd).permute(2, 0, 1)[None].double()
    conv = lambda x, place: torch.relu(torch.nn.functional.conv2d(x, state[f"features.{place}.weight"].double(), state[f"features.{place}.bias"].double(), padding=1))
    first = conv(x, "0")
    return first[0, :, 3, 4].tolist()


base = (torch.rand(700) - 0.5).float()
vgg = vgg_state(base)
torch.save(vgg, f"{OUT}/vgg19.pth")
torch.save(vgg, f"{OUT}/vgg19-legacy.pth", _use_new_zipfile_serialization=False)
image = torch.rand(7, 9, 3)

alexnet = OrderedDict()
alexnet["features.0.weight"] = torch.nn.Parameter(view(base.half().float(), (64, 3, 11, 11), 3))
alexnet["features.0.bias"] = torch.arange(64).float() / 64
alexnet["classifier.6.bias"] = torch.arange(3)
torch.save({"epoch": 3, "state_dict": OrderedDict((f"module.{k}", v) for k, v in alexnet.items())}, f"{OUT}/alexnet.pth")
torch.save(OrderedDict((k, v.detach().double()) if "classifier" not in k else (k, v) for k, v in alexnet.items() if "weight" not in k), f"{OUT}/no-features.pth")
torch.save(OrderedDict(list(vgg.items())[:8] + [("features.10.weight", base[:4])]), f"{OUT}/vgg16.pth")
torch.save({"a": 1}, f"{OUT}/no-tensors.pth")
torch.save(torch.nn.Conv2d(1, 1, 1), f"{OUT}/whole-model.pth")


class Evil:
    def __reduce__(self):
        return (os.system, ("touch voxpix-was-run",))


torch.save({"features.0.weight": Evil()}, f"{OUT}/evil.pth")

# MatConvNet's layers: the first with filters of few different values so that the file stays small, then a large one.
filters = np.fromfunction(lambda h, w, i, o: (h + 2 * w + 3 * i + 5 * o) % 17 - 8, (11, 11, 3, 96)).astype(np.float32)
bias = (np.arange(96, dtype=np.float32) - 48)[:, None]


def layer(**fields):
    item = np.zeros((1, 1), dtype=[(name, object) for name in fields])
    for name, value in fields.items():
        item[name][0, 0] = value
    return item


def cell(*items):
    out = np.empty((1, len(items)), dtype=object)
    for i, item in enumerate(items):
        out[0, i] = item
    return out


def save(name, variables):
    scipy.io.savemat(f"{OUT}/{name}.mat", variables, do_compression=True)
    with open(f"{OUT}/{name}.mat", "r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file by scipy.io.savemat".ljust(116))


# More than the reader takes at first, so that it must ask for more, but not for the end.
filler = np.random.default_rng(0).integers(0, 255, 60000).astype(np.uint8)
conv1 = layer(type="conv", name="conv1", weights=cell(filters, bias), stride=np.array([[4, 4]]), pad=np.array([[0]]))
fc6 = layer(type="conv", name="fc6", weights=cell(filler, bias))
save("imagenet-caffe-ref", {"meta": layer(x=1.0), "layers": cell(conv1, fc6)})
save("caffenet-early", {"layers": cell(layer(type="conv", filters=filters, biases=bias))})
save("other-network", {"layers": cell(layer(type="conv", weights=cell(filters[:3], bias)))})

flat = lambda tensor: tensor.detach().double().flatten()
expected = {
    "image": flat(image).tolist(),
    "conv1_1": expected_vgg(vgg, image),
    "conv1_2Sums": [flat(vgg["features.2.weight"]).sum().item(), (flat(vgg["features.2.weight"]) * torch.arange(64 * 64 * 9)).sum().item()],
    "alexnet": [view(base.half().float(), (64, 3, 11, 11), 3)[o, i, h, w].item() for o, i, h, w in [(0, 0, 0, 0), (5, 2, 3, 7), (63, 1, 10, 4)]],
    "base": flat(base).tolist(),
}
with open(f"{OUT}/expected.json", "w") as file:
    json.dump(expected, file)
