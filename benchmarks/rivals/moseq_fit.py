"""Fit keypoint-MoSeq to recordings, in its own environment.

    python moseq_fit.py inputs.npz outputs.npz

`benchmarks/rivals.py` describes inputs and outputs. The package's documentation advises principal
principal components up to 90 % of the variance, and an AR-HMM whose `kappa` is chosen so that
syllables have the median duration that the inputs ask for. The full model, which also models
tracking noise, takes minutes per iteration on such recordings without a GPU. Latents are the
components.
"""

import sys
import tempfile
from importlib.metadata import version

import keypoint_moseq as kpms
import numpy as np

EXPLAINED = 0.9
SCANNED = 5  # largest number of values of kappa, by bisection of its logarithm
TOLERANCE = 0.15  # relative to the median duration in the inputs
LOWEST, HIGHEST = 2.0, 10.0  # log10 of kappa


def median_duration(syllables: list[np.ndarray]) -> float:
    """Return the median number of frames of a run of one syllable."""
    runs = []
    for own in syllables:
        edges = np.flatnonzero(np.diff(own)) + 1
        runs.append(np.diff(np.concatenate([[0], edges, [len(own)]])))
    return float(np.median(np.concatenate(runs)))


def fit(model, data, metadata, folder, *, start=0, stop):
    fitted, _ = kpms.fit_model(
        model,
        data,
        metadata,
        folder,
        ar_only=True,
        start_iter=start,
        num_iters=stop,
        save_every_n_iters=None,
        generate_progress_plots=False,
    )
    return fitted


def states_of(model, metadata, sessions):
    results = kpms.extract_results(model, metadata, save_results=False)
    return (
        [results[name]["syllable"] for name in sessions],
        [results[name]["latent_state"] for name in sessions],
    )


def main(source: str, target: str) -> None:
    with np.load(source) as arrays:
        inputs = dict(arrays)
    count, seed = int(inputs["sessions"]), int(inputs["seed"])
    np.random.seed(seed)  # noqa: NPY002  the package may use it
    sessions = [f"session{number}" for number in range(count)]
    coordinates = {name: inputs[f"positions_{n}"] for n, name in enumerate(sessions)}
    keypoints = inputs["keypoints"].tolist()
    with tempfile.TemporaryDirectory() as folder:
        project = f"{folder}/project"
        kpms.setup_project(project, bodyparts=keypoints, skeleton=[])
        kpms.update_config(
            project,
            use_bodyparts=keypoints,
            anterior_bodyparts=[str(inputs["anterior"])],
            posterior_bodyparts=[str(inputs["posterior"])],
            fps=float(inputs["fps"]),
        )
        config = kpms.load_config(project)
        data, metadata = kpms.format_data(coordinates, **config)
        pca = kpms.fit_pca(**data, **config)
        explained = np.cumsum(pca.explained_variance_ratio_)
        config["latent_dim"] = int(np.searchsorted(explained, EXPLAINED) + 1)
        wanted = float(inputs["duration"]) * float(inputs["fps"])

        low, high, best = LOWEST, HIGHEST, None
        scan, stop = int(inputs["scan_iterations"]), int(inputs["ar_iterations"])
        for _ in range(SCANNED):
            power = (low + high) / 2
            model = kpms.init_model(data, pca=pca, seed=seed, **config)
            model = kpms.update_hypparams(model, kappa=10.0**power)
            model = fit(model, data, metadata, project, stop=scan)
            found = median_duration(states_of(model, metadata, sessions)[0])
            print(f"kappa 1e{power:.2f}: median duration {found:.0f} frames", flush=True)
            if best is None or abs(found - wanted) < best[0]:
                best = abs(found - wanted), 10.0**power, model
            if best[0] <= TOLERANCE * wanted:
                break
            low, high = (power, high) if found < wanted else (low, power)
        _, kappa, model = best
        model = fit(model, data, metadata, project, start=scan, stop=stop)
        syllables, latents = states_of(model, metadata, sessions)
    print(f"kappa {kappa:.3g}: median duration {median_duration(syllables):.0f} frames", flush=True)
    outputs = {
        "version": np.array(f"keypoint-MoSeq {version('keypoint-moseq')}, AR-HMM"),
        "kappa": np.array(kappa),
    }
    for number in range(count):
        outputs[f"syllables_{number}"] = syllables[number].astype(np.int32)
        outputs[f"latents_{number}"] = latents[number].astype(np.float32)
    np.savez(target, **outputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
