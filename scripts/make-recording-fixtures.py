#!/usr/bin/env python3
"""Writes test/fixtures/recordings: small files of the layouts in which the public fMRI datasets come, made by h5py, scipy, numpy and PIL.

Run from the repository root: python3 scripts/make-recording-fixtures.py (needs h5py, numpy, scipy and PIL). The numbers are made up;
the layouts are those of the originals. What a reader should make of them is computed here by numpy and stands in expected.json.
"""
import json
import os
import shutil

import h5py
import numpy as np
import scipy.io
from PIL import Image

OUT = "test/fixtures/recordings"
shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(f"{OUT}/god/stimuli/n01443537", exist_ok=True)
rng = np.random.default_rng(7)
expected = {}


def save_mat5(path, variables):
    scipy.io.savemat(path, variables, do_compression=True)
    # The header holds the date; without it the script makes the same bytes every time.
    with open(path, "r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file by scipy.io.savemat".ljust(116))


class Mat73:
    """A MAT 7.3 file: HDF5 behind 512 bytes of MATLAB's own, dimensions reversed, cells as references into #refs#."""

    def __init__(self, path):
        self.path = path
        self.file = h5py.File(path, "w", userblock_size=512, libver="earliest")
        self.count = 0

    def array(self, name, value, matlab_class="double"):
        value = np.asarray(value)
        data = value.T if value.ndim > 1 else value.reshape(-1, 1)
        chunks = tuple(max(1, n // 2) for n in data.shape)
        item = self.file.create_dataset(name, data=data, chunks=chunks, compression="gzip")
        item.attrs["MATLAB_class"] = np.bytes_(matlab_class)

    def cell_of_text(self, name, texts):
        refs = self.file.require_group("#refs#")
        cells = []
        for text in texts:
            codes = np.array([[ord(c)] for c in text], dtype=np.uint16)
            item = refs.create_dataset(f"t{self.count}", data=codes)
            item.attrs["MATLAB_class"] = np.bytes_("char")
            item.attrs["MATLAB_int_decode"] = np.int32(2)
            self.count += 1
            cells.append(item.ref)
        # A row of T cells in MATLAB is [1, T], so [T, 1] in the file.
        item = self.file.create_dataset(name, data=np.array(cells, dtype=h5py.ref_dtype).reshape(-1, 1), dtype=h5py.ref_dtype)
        item.attrs["MATLAB_class"] = np.bytes_("cell")

    def struct(self, name):
        self.file.create_group(name).attrs["MATLAB_class"] = np.bytes_("struct")

    def close(self):
        self.file.close()
        with open(self.path, "r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + b" " * 8 + b"\x00\x02IM")


# ------------------------------------------------------------------ fMRI on ImageNet (Generic Object Decoding)
VOXELS = 15
ROIS = {"V1": range(0, 4), "V2": range(4, 7), "V4": range(7, 9), "FFA": range(9, 11), "LVC": range(0, 9), "HVC": range(9, 13),
        "VC": range(0, 13)}
TRAIN = [(1443537, 16), (1443537, 22563), (1518878, 5958), (1518878, 10042), (2690373, 7), (2690373, 31), (4533802, 2), (4533802, 999999),
         (7734744, 100), (7734744, 12), (9, 5), (13111881, 40)]
TEST = [(1621127, 19020), (1677366, 18182), (1846331, 17038), (4572121, 3262)]


def stimulus_float(stimulus):
    return stimulus[0] + stimulus[1] / 1e6


def stimulus_name(stimulus):
    return f"n{stimulus[0]:08d}_{stimulus[1]}"


def god_trials():
    """Rows in presentation order: type, run, stimulus, category, image index. Runs restart at 1 for each type of data."""
    rows = []
    order = rng.permutation(len(TRAIN))
    for position, image in enumerate(order):
        rows.append((1, position // 3 + 1, stimulus_float(TRAIN[image]), image // 2 + 1, image + 1))
    for run in range(1, 6):
        for image in rng.permutation(len(TEST)):
            rows.append((2, run, stimulus_float(TEST[image]), image + 1, image + 1))
    for trial in range(4):
        rows.append((3, 1, float(TEST[trial % 2][0]), trial % 2 + 1, np.nan))
    return np.array(rows)


def god_metadata(sample_columns, voxel_start, columns):
    """Key, description and one value per column, NaN where a key says nothing."""
    keys, values = [], []

    def add(key, entries):
        row = np.full(columns, np.nan)
        for column, value in entries.items():
            row[column] = value
        keys.append(key)
        values.append(row)

    add("VoxelData", {voxel_start + v: 1 for v in range(VOXELS)})
    for key, column in sample_columns.items():
        add(key, {int(c): 1 for c in np.atleast_1d(column)})
    for axis in ["voxel_x", "voxel_y", "voxel_z"]:
        add(axis, {voxel_start + v: round(-20 + 3 * v + len(axis), 1) for v in range(VOXELS)})
    for name, members in ROIS.items():
        # A mask says 0 for the voxels that it does not hold.
        add(f"ROI_{name}", {voxel_start + v: float(v in members) for v in range(VOXELS)})
    return keys, [f"1 = {key}" for key in keys], np.array(values)


def scale_runs(fmri, groups):
    out = np.zeros_like(fmri)
    for group in set(groups):
        rows = np.array([g == group for g in groups])
        mean, sd = fmri[rows].mean(axis=0), fmri[rows].std(axis=0)
        out[rows] = np.where(sd == 0, 0, (fmri[rows] - mean) / np.where(sd == 0, 1, sd))
    return out


def write_god():
    trials = god_trials()
    effect = {index: rng.standard_normal(VOXELS) for index in set(map(tuple, trials[:, [0, 2]]))}
    fmri = np.array([effect[(t[0], t[2])] for t in trials]) + rng.standard_normal((len(trials), VOXELS))
    fmri += np.array([10 * t[0] + t[1] for t in trials])[:, None]
    # Numbers that f32 holds exactly, so that readers are judged by what they compute.
    fmri = (100 + fmri).astype(np.float32).astype(np.float64)
    fmri[:, 8] = 42.0
    fmri[2, 5] = np.nan

    # Brainliner: DataType, Run and Label in front; MAT 5.
    old = np.hstack([trials[:, :3], fmri])
    keys, descriptions, values = god_metadata({"DataType": 0, "Run": 1, "Label": 2}, 3, old.shape[1])
    order = [keys.index(k) for k in ["DataType", "Run", "Label"]] + [i for i, k in enumerate(keys) if k not in ("DataType", "Run", "Label")]
    cells = np.empty((1, len(keys)), dtype=object)
    texts = np.empty((1, len(keys)), dtype=object)
    for column, i in enumerate(order):
        cells[0, column], texts[0, column] = keys[i], descriptions[i]
    meta = {"key": cells, "description": texts, "value": values[order]}
    save_mat5(f"{OUT}/god/brainliner.mat", {"dataSet": old, "metaData": meta})

    # figshare: DataType, Run, voxels, then three columns of labels.
    new = np.hstack([trials[:, :2], fmri, trials[:, 2:5]])
    last = new.shape[1] - 3
    columns = {"DataType": 0, "Run": 1, "Label": [last, last + 1, last + 2], "stimulus_id": last, "category_index": last + 1, "image_index": last + 2}
    keys, descriptions, values = god_metadata(columns, 2, new.shape[1])
    mat = Mat73(f"{OUT}/god/figshare.mat")
    mat.array("dataSet", new)
    mat.struct("metaData")
    mat.cell_of_text("metaData/key", keys)
    mat.cell_of_text("metaData/description", descriptions)
    mat.array("metaData/value", values)
    mat.close()
    for name, data, metadata in [("bdpy.h5", "dataset", "metadata"), ("bdpy-2017.h5", "dataSet", "metaData")]:
        with h5py.File(f"{OUT}/god/{name}", "w") as file:
            file.create_dataset(data, data=new)
            file.create_dataset(f"{metadata}/key", data=np.array(keys, dtype="S"))
            file.create_dataset(f"{metadata}/description", data=np.array(descriptions, dtype="S"))
            file.create_dataset(f"{metadata}/value", data=values)
            file.create_dataset("header/author", data=np.bytes_("nobody"))
    write_broken_god(new, keys, descriptions, values)
    write_god_parts(trials, fmri)

    scaled = scale_runs(fmri, [(t[0], t[1]) for t in trials])
    means = lambda kind, images: [scaled[(trials[:, 0] == kind) & (trials[:, 2] == stimulus_float(s))].mean(axis=0) for s in images]
    kept = [v for v in ROIS["VC"] if v not in (5, 8)]
    expected["god"] = {
        "train": [row[kept].round(6).tolist() for row in means(1, TRAIN)],
        "test": [row[kept].round(6).tolist() for row in means(2, TEST)],
        "trainNames": [stimulus_name(s) for s in TRAIN],
        "testNames": [stimulus_name(s) for s in TEST],
        "keptVoxels": kept,
    }


def write_broken_god(data, keys, descriptions, values):
    def write(name, data=data, keys=keys, values=values, leave_out=()):
        with h5py.File(f"{OUT}/god/broken-{name}.h5", "w") as file:
            parts = {"dataset": data, "metadata/key": np.array(keys, dtype="S"), "metadata/value": values}
            for path, part in parts.items():
                if path not in leave_out:
                    file.create_dataset(path, data=part)

    write("transposed", data=data.T)
    write("no-values", leave_out=["metadata/value"])
    write("no-data", leave_out=["dataset"])
    write("count", values=values[:, :-1])
    write("no-type", keys=["Typo" if key == "DataType" else key for key in keys])
    write("no-stimuli", keys=[f"x{i}" if key in ("stimulus_id", "Label") else key for i, key in enumerate(keys)])
    write("text", data=np.array([["a", "b"]], dtype="S"))
    empty = values.copy()
    empty[[keys.index(key) for key in keys if key.startswith("ROI_") or key == "VoxelData"]] = 0
    write("no-voxels", values=empty)
    leak = data.copy()
    leak[leak[:, 0] == 2, -3] = data[0, -3]
    write("leak", data=leak)
    # image_index contradicts the names: two pictures change places, or two stand at one.
    pair = data[:2, -1].copy()
    for name, places in [("swapped-places", pair[::-1]), ("double-places", pair[[0, 0]])]:
        wrong = data.copy()
        wrong[:2, -1] = places
        write(name, data=wrong)


def write_god_parts(trials, fmri):
    """One file for each part, with the columns and value map that bdpy's fMRIPrep import writes; no DataType."""
    os.makedirs(f"{OUT}/god-parts")
    stimuli = [*TRAIN, *TEST]
    number = {stimulus_float(s): i + 1 for i, s in enumerate(stimuli)}
    labels = ["trial_no", "stimulus_name", "category_index", "image_index"]
    motion = [f"MotionParameter_{name}" for name in ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]]
    for kind, part in [(1, "ImageNetTraining"), (2, "ImageNetTest"), (3, "Imagery")]:
        rows = trials[:, 0] == kind
        count = rows.sum()
        named = np.array([number.get(stimulus, np.nan) for stimulus in trials[rows, 2]])
        label = np.column_stack([np.arange(count) + 1, named, trials[rows, 3], trials[rows, 4]])
        data = np.hstack([fmri[rows], np.ones((count, 1)), trials[rows, 1:2], np.arange(count)[:, None] + 1, label, 0.01 * np.ones((count, 6))])
        if kind == 2:
            # A rest at the end: a row without a picture.
            rest = data[-1:].copy()
            rest[:, VOXELS + 4:VOXELS + 7] = np.nan
            data = np.vstack([data, rest])
        columns = data.shape[1]
        keys, values = [], []

        def add(key, first, entries):
            row = np.full(columns, np.nan)
            row[first:first + len(entries)] = entries
            keys.append(key)
            values.append(row)

        add("VoxelData", 0, [1] * VOXELS)
        for i, key in enumerate(["Session", "Run", "Block"]):
            add(key, VOXELS + i, [1])
        add("Label", VOXELS + 3, [1] * 4)
        add("MotionParameter", VOXELS + 7, [1] * 6)
        for i, key in enumerate(motion):
            add(key, VOXELS + 7, np.eye(6)[i])
        for i, key in enumerate(labels):
            add(key, VOXELS + 3 + i, [1])
        for axis in "xyz":
            add(f"voxel_{axis}", 0, -20 + 3.0 * np.arange(VOXELS))
        for axis in "ijk":
            add(f"voxel_{axis}", 0, np.arange(VOXELS))
        for name, members in ROIS.items():
            add(f"ROI_{name}", 0, [float(v in members) for v in range(VOXELS)])

        def write(path, values=values):
            with h5py.File(path, "w") as file:
                file["dataset"], file["metadata/value"] = data, np.array(values)
                file["metadata/key"] = [key.encode() for key in keys]
                file["metadata/description"] = [b"" for _ in keys]
                for value in np.unique(named[~np.isnan(named)]):
                    file[f"vmap/stimulus_name/{value}"] = stimulus_name(stimuli[int(value) - 1])

        write(f"{OUT}/god-parts/Subject3_{part}.h5")
        if kind == 2:
            moved = np.array(values)
            moved[keys.index("voxel_y"), 4] += 3
            write(f"{OUT}/god/broken-moved-voxels.h5", moved)


def write_god_stimuli():
    size = 8
    def picture(index, offset):
        y, x = np.mgrid[0:size, 0:size]
        return np.stack([(index * 20 + offset + 9 * x) % 256, (index * 31 + 7 * y) % 256, (40 * (x // 4) + index) % 256], axis=-1) / 255.0
    train = np.array([picture(i, 0) for i in range(len(TRAIN))])
    test = np.array([picture(i, 128) for i in range(len(TEST))])
    np.savez_compressed(f"{OUT}/god/images.npz", train_images=train, test_images=test)
    for part, stimuli in [("training", TRAIN), ("test", TEST)]:
        with open(f"{OUT}/god/imageID_{part}.csv", "w") as file:
            for stimulus in stimuli:
                file.write(f'{stimulus_float(stimulus):.6f},"{stimulus_name(stimulus)}.JPEG"\n')
    for stimuli, images in [(TRAIN, train), (TEST, test)]:
        for stimulus, image in zip(stimuli, images):
            # Some in a folder of their synset, as ImageNet's training images come.
            folder = "n01443537/" if stimulus[0] == 1443537 else ""
            pixels = Image.fromarray((image * 255).round().astype(np.uint8)).resize((24, 16), Image.NEAREST)
            pixels.save(f"{OUT}/god/stimuli/{folder}{stimulus_name(stimulus)}.JPEG", quality=95)
    expected["godImages"] = {"train": train[3].round(6).ravel().tolist(), "test": test[1].round(6).ravel().tolist()}


# ------------------------------------------------------------------ the follow-up's npz of the same recordings
def write_ssfmri2im():
    os.makedirs(f"{OUT}/ssfmri2im")
    order, test_order = rng.permutation(12), np.concatenate([rng.permutation(4) for _ in range(5)])
    train, test = rng.standard_normal((12, 9)), rng.standard_normal((20, 9))
    averaged = np.array([test[test_order == i].mean(axis=0) for i in range(4)])
    masks = {"V1": range(0, 3), "V2": range(3, 5), "VC": range(0, 8), "FFA": range(7, 8)}
    masks = {name: np.isin(np.arange(9), list(members)) for name, members in masks.items()}
    np.savez(f"{OUT}/ssfmri2im/sbj_2.npz", train, test, averaged, order, test_order, rng.random(9), rng.random(9), **masks)
    expected["ssfmri2im"] = {"order": order.tolist(), "testOrder": test_order.tolist(), "train": train.round(6).tolist(), "averaged": averaged.round(6).tolist()}


# ------------------------------------------------------------------ vim-1
def write_vim1():
    os.makedirs(f"{OUT}/vim1")
    parts = {}
    mat = Mat73(f"{OUT}/vim1/EstimatedResponses.mat")
    for subject, voxels in [("S1", 6), ("S2", 5)]:
        train = rng.standard_normal((voxels, 10)).astype(np.float32)
        val = rng.standard_normal((voxels, 4)).astype(np.float32)
        val[1, 2] = np.nan
        roi = np.array([1, 2, 0, 7, 6, 1][:voxels], dtype=float)
        mat.array(f"dataTrn{subject}", train, "single")
        mat.array(f"dataVal{subject}", val, "single")
        mat.array(f"roi{subject}", roi[:, None])
        mat.array(f"voxIdx{subject}", np.arange(100, 100 + voxels, dtype=float)[:, None])
        parts[subject] = {"train": train.T.round(6).tolist(), "val": np.nan_to_num(val.T, nan=-99).round(6).tolist(), "roi": roi.tolist()}
    mat.close()
    stim = rng.uniform(-0.5, 0.45, (14, 16, 16)).astype(np.float32)
    stim[:, 0, 0] = 0
    save_mat5(f"{OUT}/vim1/Stimuli.mat", {"stimTrn": stim[:10], "stimVal": stim[10:], "seqTrn": np.arange(1, 11)[None], "seqVal": np.arange(1, 5)[None]})
    os.makedirs(f"{OUT}/vim1-full")
    shutil.copy(f"{OUT}/vim1/EstimatedResponses.mat", f"{OUT}/vim1-full/EstimatedResponses.mat")
    large = stim.repeat(2, axis=1).repeat(2, axis=2)
    for name, variable, images in [("Stimuli_Trn_FullRes_01", "stimTrn", large[:6]), ("Stimuli_Trn_FullRes_02", "stimTrn", large[6:10]),
                                   ("Stimuli_Val_FullRes", "stimVal", large[10:])]:
        full = Mat73(f"{OUT}/vim1-full/{name}.mat")
        full.array(variable, images, "single")
        full.close()
    low, high = float(stim[:10].min()), float(stim[:10].max())
    shown = ((stim - low) / (high - low)).clip(0, 1)
    expected["vim1"] = {**parts, "image3": shown[3].astype(float).round(6).ravel().tolist(), "val1": shown[11].astype(float).round(6).ravel().tolist()}
    np.savez(f"{OUT}/kay_images.npz", stimuli=stim[:10], stimuli_test=stim[10:], responses=np.array(parts["S1"]["train"]),
             responses_test=rng.standard_normal((4, 6)), roi=np.array([1, 2, 0, 7, 6, 1]),
             roi_names=np.array(["Other", "V1", "V2", "V3", "V3A", "V3B", "V4", "LatOcc"]))


# ------------------------------------------------------------------ tables of a folder dataset
def write_tables():
    fmri = np.array([[1, 0.5, 7], [2, 0.1, 7], [4, 0.9, 7], [1, 0.3, 7], [3, 0.4, 7], [2, 0.8, 7], [2.5, 0.7, 7]])
    mat = Mat73(f"{OUT}/table73.mat")
    mat.array("fmri", fmri)
    mat.close()
    with h5py.File(f"{OUT}/table.h5", "w") as file:
        file["fmri"] = fmri.astype("f4")
        file["other"] = np.arange(3)
    # What the reader's library cannot do: halves, and h5py's own compression.
    for name, options in {"half": {"dtype": "f2"}, "lzf": {"compression": "lzf"}}.items():
        with h5py.File(f"{OUT}/table-{name}.h5", "w") as file:
            file.create_dataset("fmri", data=fmri, **options)
    with h5py.File(f"{OUT}/two-tables.h5", "w") as file:
        file["a"], file["b"] = fmri, fmri
    np.savez_compressed(f"{OUT}/table.npz", fmri)
    mat = Mat73(f"{OUT}/kinds73.mat")
    mat.array("cube", np.arange(24, dtype=np.float32).reshape(2, 3, 4), "single")
    mat.array("flags", np.array([[1, 0, 1]], dtype=np.uint8), "logical")
    mat.cell_of_text("names", ["ab", "c"])
    mat.struct("meta")
    mat.array("meta/value", np.array([[1.5, 2.5]]))
    text = mat.file.create_dataset("text", data=np.array([[104], [105]], dtype=np.uint16))
    text.attrs["MATLAB_class"] = np.bytes_("char")
    empty = mat.file.create_dataset("empty", data=np.array([0, 3], dtype=np.uint64))
    empty.attrs["MATLAB_class"] = np.bytes_("double")
    empty.attrs["MATLAB_empty"] = np.uint8(1)
    mat.close()


write_god()
write_god_stimuli()
write_ssfmri2im()
write_vim1()
write_tables()
with open(f"{OUT}/expected.json", "w") as file:
    json.dump(expected, file)
