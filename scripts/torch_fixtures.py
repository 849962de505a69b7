"""What the scripts that write test/fixtures/torch/*.json share: random inputs, encoding, and judging float32 by float64.

Inputs are float32 numbers, so that both sides start from the same values. They, the results and the gradients are stored in
our layouts (images NHWC, filters HWIO, dense weights [in, out]), as base64 of little-endian floats.
"""

import base64
import json
import pathlib
import sys

import numpy as np
import torch

FOLDER = pathlib.Path("test/fixtures/torch")
rng = np.random.default_rng(0)
torch.set_num_threads(1)


def seed(value):
    """Starts the random inputs of a script."""
    global rng
    rng = np.random.default_rng(value)


def random(*shape, low=-1.0, high=1.0):
    """Uniform float32 numbers."""
    return rng.uniform(low, high, shape).astype(np.float32)


def grid(*shape, choices):
    """Numbers picked from a list: ties and special values."""
    return rng.choice(np.array(choices, np.float32), shape)


def encode(array, kind):
    return {"shape": list(array.shape), kind: base64.b64encode(array.astype("<" + kind).tobytes()).decode()}


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def evaluate(function, inputs, grad_output, dtype):
    """The output and the gradients of all inputs, in our layouts. `grad_output` is made at the first call."""
    leaves = {name: torch.tensor(value, dtype=dtype, requires_grad=True) for name, value in inputs.items()}
    output = function(**leaves)
    if grad_output is None:
        grad_output = random(*output.shape)
    output.backward(torch.tensor(grad_output, dtype=dtype))
    results = {"output": output.detach().numpy()}
    for name, leaf in leaves.items():
        if leaf.grad is not None:
            results["gradient of " + name] = leaf.grad.numpy()
    return results, grad_output


def judged(run):
    """`run(dtype)` in float64, with the largest error of float32 for each of its results."""
    exact, rounded = run(torch.float64), run(torch.float32)
    return {
        name: {
            **encode(value, "f8"),
            "float32Error": float(np.nan_to_num(np.abs(value - rounded[name])).max(initial=0)),
        }
        for name, value in exact.items()
    }


def case(name, op, function, inputs, options=None):
    """One call of one op. `function` takes the inputs by name, in our layouts, and gives the output in ours."""
    _, grad_output = evaluate(function, inputs, None, torch.float64)
    return {
        "name": name,
        "op": op,
        "options": options or {},
        "inputs": {key: encode(value, "f4") for key, value in inputs.items()},
        "gradOutput": encode(grad_output, "f4"),
        "results": judged(lambda dtype: evaluate(function, inputs, grad_output, dtype)[0]),
    }


def write(name, content):
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps({"madeWith": {"torch": torch.__version__, "numpy": np.__version__}, **content}, indent=1) + "\n")
    print(f"{path}: {path.stat().st_size} bytes", file=sys.stderr)
