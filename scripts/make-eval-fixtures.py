"""Writes test/fixtures/eval/golden.json: what scikit-image and scipy say about small made-up images and numbers.

Run from the repository root with numpy, scipy and scikit-image installed (Debian: python3-skimage):

    python3 scripts/make-eval-fixtures.py

Images are stored as bytes, so that both sides read the same values: pixel = byte / 255, in float32 on our side.
"""

import base64
import json
import pathlib

import numpy as np
import scipy
import skimage
from scipy.stats import wilcoxon
from skimage.color import rgb2gray
from skimage.filters import gaussian
from skimage.metrics import structural_similarity

rng = np.random.default_rng(20190726)


def picture(height, width, channels, blur):
    """Blurred noise, stretched to 0..255: neither flat nor white noise, and not symmetric."""
    noise = rng.normal(size=(height, width, channels))
    smooth = np.stack([gaussian(noise[..., c], sigma=blur) for c in range(channels)], axis=-1)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return np.round(smooth * 255).astype(np.uint8)


def mixed(image, amount):
    """The image with part of another one in it: a reconstruction of middling quality."""
    other = picture(*image.shape, blur=1.0)
    return np.round(image * (1 - amount) + other * amount).astype(np.uint8)


def unit(image):
    """Bytes as the float32 pixels that our ImageSet holds, computed on in float64."""
    return (image.astype(np.float64) / 255).astype(np.float32).astype(np.float64)


def grey(image):
    return unit(image)[..., 0] if image.shape[-1] == 1 else rgb2gray(unit(image))


def image_case(name, reconstruction, stimulus):
    x, y = unit(reconstruction), unit(stimulus)
    height, width, channels = stimulus.shape
    return {
        "name": name,
        "height": height,
        "width": width,
        "channels": channels,
        "reconstruction": base64.b64encode(reconstruction.tobytes()).decode(),
        "stimulus": base64.b64encode(stimulus.tobytes()).decode(),
        "ssim": float(
            structural_similarity(
                grey(reconstruction), grey(stimulus), gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1
            )
        ),
        "mse": float(np.mean((x - y) ** 2)),
        "pearson": None if np.ptp(x) == 0 or np.ptp(y) == 0 else float(np.corrcoef(x.ravel(), y.ravel())[0, 1]),
    }


def image_cases():
    cases = []
    for height, width, channels in [(28, 28, 1), (23, 17, 1), (11, 11, 1), (32, 40, 3), (13, 29, 3)]:
        for amount in (0.2, 0.7):
            stimulus = picture(height, width, channels, blur=2.0)
            cases.append(image_case(f"{height} x {width} x {channels}, mixed {amount}", mixed(stimulus, amount), stimulus))
    stimulus = picture(16, 20, 3, blur=2.0)
    cases.append(image_case("identical", stimulus, stimulus))
    cases.append(image_case("constant reconstruction", np.full_like(stimulus, 117), stimulus))
    cases.append(image_case("inverted", 255 - stimulus, stimulus))
    return cases


def wilcoxon_case(name, differences, method):
    result = {}
    for alternative in ("two-sided", "greater", "less"):
        test = wilcoxon(differences, alternative=alternative, method=method, correction=False, zero_method="wilcox")
        result[alternative] = float(test.pvalue)
    return {"name": name, "differences": [float(d) for d in differences], "method": method, "pValues": result}


def wilcoxon_cases():
    return [
        wilcoxon_case("7 pairs", np.array([0.5, -0.2, 1.1, 0.9, -0.4, 2.0, 1.7]), "exact"),
        wilcoxon_case("20 pairs", rng.normal(0.4, 1.0, size=20), "exact"),
        wilcoxon_case("50 pairs", rng.normal(0.2, 1.0, size=50), "exact"),
        wilcoxon_case("400 pairs, ties and zeros", rng.integers(-6, 8, size=400).astype(float), "approx"),
    ]


def main():
    folder = pathlib.Path(__file__).resolve().parent.parent / "test" / "fixtures" / "eval"
    folder.mkdir(parents=True, exist_ok=True)
    golden = {
        "madeWith": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-image": skimage.__version__},
        "images": image_cases(),
        "wilcoxon": wilcoxon_cases(),
    }
    (folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


main()
