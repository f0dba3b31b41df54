"""Compare the numbers of two runs.

    python tests/same_results.py BEFORE AFTER

compares two folders of results: every tensor of checkpoints, every array, and every number of
tables and JSON files except seconds and checksums. It lists differences, and files that only one of
them has.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import xarray as xr
from safetensors.torch import load_file

# Files that are not results: records of jobs and their times, pictures, and files with checksums.
LEFT_OUT = re.compile(
    r"^(provenance|benchmarks)/|manifest\.json$|tfevents|\.lock$|\.(svg|png|gif|html|onnx|zip)$"
    r"|\.snakemake_timestamp$"
)
NOT_COMPARED = re.compile(r"^(training_)?seconds$|^sha256$")


def numbers_of(path: Path) -> dict[str, object]:
    """Return the numbers of a file by their place in it; arrays and tensors as they are."""
    return READERS.get(path.suffix, read_bytes)(path)


def read_checkpoint(path):
    content = torch.load(path, weights_only=True, map_location="cpu")
    weights = content.get("weights", content)
    return {name: value.numpy() for name, value in weights.items()}


def read_safetensors(path):
    return {name: value.numpy() for name, value in load_file(path).items()}


def read_npz(path):
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def read_csv(path):
    """Return columns as text, digit for digit."""
    table = pd.read_csv(path, comment="#", dtype=str, keep_default_na=False)
    return {
        name: column.to_numpy(str)
        for name, column in table.items()
        if not NOT_COMPARED.search(name)
    }


def read_json(path):
    return dict(flatten(json.loads(path.read_text())))


def read_netcdf(path):
    with xr.open_dataset(path) as dataset:
        return {name: dataset[name].to_numpy() for name in dataset.variables}


def read_bytes(path):
    return {"": np.frombuffer(path.read_bytes(), np.uint8)}


READERS = {
    ".pt": read_checkpoint,
    ".pkl": read_checkpoint,
    ".safetensors": read_safetensors,
    ".npy": lambda path: {"": np.load(path)},
    ".npz": read_npz,
    ".csv": read_csv,
    ".json": read_json,
    ".nc": read_netcdf,
}


def flatten(content, where=""):
    """Yield (place, number) of every number in a JSON value; text may be worded differently."""
    if isinstance(content, dict):
        for key, value in content.items():
            if not NOT_COMPARED.search(key):
                yield from flatten(value, f"{where}.{key}")
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from flatten(value, f"{where}[{number}]")
    elif not isinstance(content, str):
        yield where, content


def differences(before: Path, after: Path) -> list[str]:
    """Return one line for each number, tensor or column that differs between two files."""
    old, new = numbers_of(before), numbers_of(after)
    lines = [f"only before: {name}" for name in old.keys() - new.keys()]
    lines += [f"only after: {name}" for name in new.keys() - old.keys()]
    for name in sorted(old.keys() & new.keys()):
        one, other = np.asarray(old[name]), np.asarray(new[name])
        if one.shape != other.shape:
            lines.append(f"{name}: {one.shape} and {other.shape}")
        elif not np.array_equal(one, other, equal_nan=one.dtype.kind == other.dtype.kind == "f"):
            unlike = (one != other) & ~(pd.isna(one) & pd.isna(other))
            example = f"{one[unlike].flat[0]} and {other[unlike].flat[0]}"
            lines.append(f"{name}: {unlike.sum()} of {one.size} differ, such as {example}")
    return lines


def main(before: str, after: str) -> int:
    folders = [Path(before), Path(after)]
    files = [
        {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    ]
    files = [{name for name in own if not LEFT_OUT.search(name)} for own in files]
    found = [f"only before: {name}" for name in sorted(files[0] - files[1])]
    found += [f"only after: {name}" for name in sorted(files[1] - files[0])]
    both = sorted(files[0] & files[1])
    for name in both:
        found += [f"{name}: {line}" for line in differences(*(folder / name for folder in folders))]
    print("\n".join(found))
    print(f"{len(both)} files compared: {len(found)} differences")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
