"""Embed the frames of recordings with CEBRA-Time, in CEBRA's own environment.

    python cebra_embed.py inputs.npz outputs.npz

`benchmarks/rivals.py` describes inputs and outputs. One model is fitted to the standardised
features of all usable frames, one recording after the other. Settings that are not named here are
the package's defaults.
"""

import sys
from importlib.metadata import version

import cebra
import numpy as np
import torch

SETTINGS = {
    "model_architecture": "offset10-model",
    "batch_size": 512,
    "learning_rate": 3e-4,
    "time_offsets": 10,
    "conditional": "time",
    "distance": "cosine",
}


def main(source: str, target: str) -> None:
    with np.load(source) as arrays:
        inputs = dict(arrays)
    count = int(inputs["sessions"])
    torch.set_num_threads(int(inputs["threads"]))
    torch.manual_seed(int(inputs["seed"]))
    np.random.seed(int(inputs["seed"]))  # noqa: NPY002  the package may use it
    known = [inputs[f"usable_{n}"] for n in range(count)]
    features = [inputs[f"features_{n}"][own] for n, own in enumerate(known)]
    together = np.concatenate(features).astype(np.float32)
    mean, std = together.mean(axis=0), together.std(axis=0)
    std[std == 0] = 1
    model = cebra.CEBRA(
        **SETTINGS,
        output_dimension=int(inputs["dimensions"]),
        max_iterations=int(inputs["cebra_iterations"]),
        device="cpu",
    )
    model.fit((together - mean) / std)
    outputs = {"version": np.array(f"CEBRA {version('cebra')}")}
    for number, own in enumerate(known):
        embedded = model.transform((features[number].astype(np.float32) - mean) / std)
        outputs[f"latents_{number}"] = np.full((len(own), embedded.shape[1]), np.nan, np.float32)
        outputs[f"latents_{number}"][own] = embedded
    np.savez(target, **outputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
