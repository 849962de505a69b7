#!/usr/bin/env python3
"""Writes test/fixtures/data: small MAT 5, npy, npz and image-resampling files made by scipy, numpy and PIL.

Run from the repository root: python3 scripts/make-data-fixtures.py (needs numpy, scipy and PIL). The expected values stand in
the tests, so that a reader and a fixture cannot be wrong together.
"""
import json
import os
import zipfile

import numpy as np
import scipy.io
import scipy.sparse
from PIL import Image

OUT = "test/fixtures/data"
os.makedirs(OUT, exist_ok=True)
# Pixels from 0 to 1, which have no range that a reader could know.
Image.fromarray(np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)).save(f"{OUT}/float.tif")


def mat_variables():
    cell = np.empty((2, 2), dtype=object)
    cell[0, 0] = "ab"
    cell[1, 0] = np.array([[1.5, 2.5]])
    cell[0, 1] = np.zeros((0, 0))
    inner = np.empty((1, 1), dtype=object)
    inner[0, 0] = "deep"
    cell[1, 1] = inner
    struct = np.zeros((1, 2), dtype=[("key", object), ("value", object)])
    struct[0, 0] = ("first", np.array([[1, 2, 3]], dtype=np.float64))
    struct[0, 1] = ("second", np.array([[4]], dtype=np.uint8))
    variables = {
        "matrix": np.array([[1, 2, 3], [4, 5, 6.5]]),
        "cube": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "integers": np.array([[1, -2, 300]], dtype=np.float64),
        "flags": np.array([[True, False, True]]),
        "text": "hello",
        "rows": np.array(["one", "two"]),
        "accent": "h\u00e9llo \u20ac",
        "cell": cell,
        "struct": struct,
        "complex": np.array([[1 + 2j, 3 - 4j]]),
        "empty": np.zeros((0, 3)),
        "sparse": scipy.sparse.csc_matrix(np.eye(3)),
    }
    for name in ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]:
        info = np.iinfo(name)
        variables["v_" + name] = np.array([[info.min, info.max, 7]], dtype=name)
    return variables


def save_mat(name, variables, compress):
    path = f"{OUT}/{name}.mat"
    scipy.io.savemat(path, variables, do_compression=compress)
    # The header holds the date; without it the script makes the same bytes every time.
    with open(path, "r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file by scipy.io.savemat".ljust(116))


def write_mat():
    save_mat("plain", mat_variables(), False)
    save_mat("compressed", mat_variables(), True)
    # The fMRI of the recordings that test/data/folder.test.ts puts together.
    fmri = np.array([[1, 0.5, 7], [2, 0.1, 7], [4, 0.9, 7], [1, 0.3, 7], [3, 0.4, 7], [2, 0.8, 7], [2.5, 0.7, 7]])
    save_mat("fmri", {"fmri": fmri}, True)
    # savemat writes the byte order of the machine, so the big-endian file is put together by hand.
    header = b"MATLAB 5.0 MAT-file, big-endian".ljust(116) + b"\0" * 8 + (0x0100).to_bytes(2, "big") + b"MI"
    def element(kind, data):
        return kind.to_bytes(4, "big") + len(data).to_bytes(4, "big") + data + b"\0" * (-len(data) % 8)
    def matrix(name, stored):
        body = element(6, (6).to_bytes(4, "big") + b"\0" * 4)
        body += element(5, np.array([2, 3], dtype=">i4").tobytes())
        # The name is a small element: data of at most 4 bytes inside the tag.
        body += (1).to_bytes(2, "big") + (1).to_bytes(2, "big") + name + b"\0\0\0"
        return element(14, body + stored)
    doubles = np.array([[1, 2, 3], [4, 5, 6.5]], dtype=">f8").tobytes(order="F")
    # MATLAB writes doubles that are whole numbers in the smallest integer type.
    shorts = np.array([[1, 2, 3], [4, 5, -600]], dtype=">i2").tobytes(order="F")
    with open(f"{OUT}/big-endian.mat", "wb") as file:
        file.write(header + matrix(b"m", element(9, doubles)) + matrix(b"w", element(3, shorts)))
    scipy.io.savemat(f"{OUT}/version4.mat", {"matrix": np.eye(2)}, format="4")


def write_digit69():
    """A file of the layout of digit69_28x28.mat with made-up numbers: 5 voxels, image i shows i at row 1, column 2."""
    rng = np.random.default_rng(1)
    images = np.zeros((100, 28, 28), dtype=np.uint8)
    images[:, 1, 2] = np.arange(100)
    # MATLAB's images are stored column by column.
    stimuli = images.transpose(0, 2, 1).reshape(100, 784)
    fmri = rng.standard_normal((100, 5)).round(3)
    labels = np.where(np.arange(100) % 2 == 0, 1, 2).astype(np.uint8)[:, None]
    parts = {"fmriTrn": fmri[:90], "fmriTest": fmri[90:], "stimTrn": stimuli[:90], "stimTest": stimuli[90:],
             "labelTrn": labels[:90], "labelTest": labels[90:]}
    save_mat("digit69_28x28", parts, True)
    save_mat("digit69-short", {**parts, "stimTest": stimuli[90:99]}, True)
    save_mat("digit69-label", {**parts, "labelTest": labels[90:] + 1}, True)
    save_mat("digit69-voxels", {**parts, "fmriTest": fmri[90:, :4]}, True)


def write_npy():
    values = np.array([[1, 2, 3], [4, 5, 6]])
    for dtype in ["<f2", "<f4", ">f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", ">u2", "<u4", "<u8", "|b1"]:
        name = dtype.replace("<", "").replace(">", "be-").replace("|", "")
        np.save(f"{OUT}/{name}.npy", values.astype(dtype))
    np.save(f"{OUT}/fortran.npy", np.asfortranarray(np.arange(24, dtype=np.float64).reshape(2, 3, 4)))
    np.save(f"{OUT}/scalar.npy", np.float32(2.5))
    np.save(f"{OUT}/text.npy", np.array(["V1", "LatOcc"]))
    np.save(f"{OUT}/half.npy", np.array([0, -0.0, 1, -2.5, 65504, 6e-8, np.inf, -np.inf, np.nan], dtype=np.float16))
    for version in [2, 3]:
        with open(f"{OUT}/version{version}.npy", "wb") as file:
            np.lib.format.write_array(file, values.astype("<f4"), version=(version, 0))
    arrays = {"a": values.astype("<f4"), "b": np.arange(5), "fortran": np.asfortranarray(values.astype("<f8")),
              "names": np.array(["Other", "V1", "LatOcc"]), "mask": np.array([True, False, True])}
    np.savez(f"{OUT}/stored.npz", **arrays)
    np.savez_compressed(f"{OUT}/deflated.npz", **arrays)
    # With a limit this low every size and offset goes into the 64-bit fields, as in archives over 4 GiB.
    limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 10
    np.savez(f"{OUT}/zip64.npz", **arrays)
    zipfile.ZIP64_LIMIT = limit


def write_resample():
    """PIL's BICUBIC on 32-bit floats, the oracle of our own resampler."""
    rng = np.random.default_rng(0)
    cases = []
    for (h, w), (oh, ow) in [((7, 11), (5, 4)), ((5, 6), (13, 17)), ((20, 20), (3, 3)), ((4, 4), (4, 4)), ((9, 1), (4, 3))]:
        pixels = rng.random((h, w)).astype(np.float32)
        out = np.asarray(Image.fromarray(pixels, mode="F").resize((ow, oh), Image.BICUBIC))
        cases.append({"from": [h, w], "to": [oh, ow],
                      "pixels": [round(float(v), 7) for v in pixels.ravel()], "resized": [round(float(v), 7) for v in out.ravel()]})
    with open(f"{OUT}/resample.json", "w") as file:
        json.dump(cases, file)


write_mat()
write_digit69()
write_npy()
write_resample()
