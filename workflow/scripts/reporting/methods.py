"""The run as a paragraph for the methods section of a paper, and what it cites."""

from collections.abc import Mapping, Sequence
from typing import Any

from formats.words import listed

POSE_TOOLS = {
    "DeepLabCut": "mathis2018",
    "SLEAP": "pereira2022",
    "LightningPose": "biderman2024",
    "Anipose": "karashchuk2021",
}
REFERENCES = {
    "luxem2022": (
        "Luxem K., Mocellin P., Fuhrmann F. et al. Identifying behavioral structure from deep "
        "variational embeddings of animal motion. Communications Biology 5, 1267 (2022)",
        "10.1038/s42003-022-04080-7",
    ),
    "mathis2018": (
        "Mathis A., Mamidanna P., Cury K. M. et al. DeepLabCut: markerless pose estimation of "
        "user-defined body parts with deep learning. Nature Neuroscience 21, 1281–1289 (2018)",
        "10.1038/s41593-018-0209-y",
    ),
    "pereira2022": (
        "Pereira T. D., Tabris N., Matsliah A. et al. SLEAP: a deep learning system for "
        "multi-animal pose tracking. Nature Methods 19, 486–495 (2022)",
        "10.1038/s41592-022-01426-1",
    ),
    "biderman2024": (
        "Biderman D., Whiteway M. R., Hurwitz C. et al. Lightning Pose: improved animal pose "
        "estimation via semi-supervised learning, Bayesian ensembling and cloud-native "
        "open-source tools. Nature Methods 21, 1316–1328 (2024)",
        "10.1038/s41592-024-02319-1",
    ),
    "karashchuk2021": (
        "Karashchuk P., Rupp K. L., Dickinson E. S. et al. Anipose: a toolkit for robust "
        "markerless 3D pose estimation. Cell Reports 36, 109730 (2021)",
        "10.1016/j.celrep.2021.109730",
    ),
    "savitzky1964": (
        "Savitzky A., Golay M. J. E. Smoothing and differentiation of data by simplified least "
        "squares procedures. Analytical Chemistry 36, 1627–1639 (1964)",
        "10.1021/ac60214a047",
    ),
    "pedregosa2011": (
        "Pedregosa F., Varoquaux G., Gramfort A. et al. Scikit-learn: machine learning in Python. "
        "Journal of Machine Learning Research 12, 2825–2830 (2011)",
        None,
    ),
    "paszke2019": (
        "Paszke A., Gross S., Massa F. et al. PyTorch: an imperative style, high-performance deep "
        "learning library. Advances in Neural Information Processing Systems 32 (2019)",
        None,
    ),
    "moelder2021": (
        "Mölder F., Jablonski K. P., Letcher B. et al. Sustainable data analysis with Snakemake. "
        "F1000Research 10, 33 (2021)",
        "10.12688/f1000research.29032.2",
    ),
    "benjamini1995": (
        "Benjamini Y., Hochberg Y. Controlling the false discovery rate: a practical and powerful "
        "approach to multiple testing. Journal of the Royal Statistical Society B 57, 289–300 "
        "(1995)",
        "10.1111/j.2517-6161.1995.tb02031.x",
    ),
}

SCALINGS = {
    "coordinates": (
        "The mean of each feature was subtracted; all pose coordinates were divided by one common "
        "standard deviation, and other features by their own."
    ),
    "per_feature": "Each feature was scaled to mean 0 and standard deviation 1.",
    "scalar": "All pose coordinates were scaled by one common mean and standard deviation.",
}
"""A sentence for each value of the setting `scaling`."""


def methods_of(
    manifest: Mapping[str, Any],
    data: str,
    training: Mapping[str, Any],
    segmentation: str,
    motifs: Mapping[str, Any],
    groups: int,
    within: Sequence[str] = (),
) -> tuple[str, list[str]]:
    """Write the paragraph, and list the keys of `REFERENCES` that it cites, in its order.

    Parameters
    ----------
    manifest
        Of the chosen export: its records have the settings of every job, and versions.
    data
        The sentence on recordings that `facts.training_sentences` begins with.
    training
        The row of `comparison.csv` of the chosen model.
    segmentation
        Such as kmeans-15.
    motifs
        pooling_seconds, expected_bout_seconds and factors
    groups
        How many are compared.
    within
        What was compared within animals: groups, conditions, time bins.
    """
    params = {
        rule: params_of(manifest, rule) for rule in ("import_poses", "align_poses", "split_dataset")
    }
    tools = sorted({own["recording"]["software"] for own in params["import_poses"]})
    versions = {
        name: version
        for packages in manifest["software"].values()
        for name, version in packages.items()
    }
    sentences = [
        f"Poses were tracked with {', '.join(tools)}.",
        data,
        *_cleaning(params["align_poses"][0]["settings"]),
        *_training(manifest["settings"], training, params["split_dataset"][0]["settings"]),
        *_motifs(segmentation, motifs),
        *_comparisons(groups, within, motifs.get("factors", [])),
        f"All steps ran in a Snakemake workflow [moelder2021] (Snakemake {versions['snakemake']}, "
        f"Python {versions['python']}, PyTorch {versions['torch']} [paszke2019], scikit-learn "
        "[pedregosa2011]).",
    ]
    cited = [POSE_TOOLS[tool] for tool in tools if tool in POSE_TOOLS]
    if cited:
        sentences[0] = f"{sentences[0][:-1]} [{', '.join(cited)}]."
    text = " ".join(sentences)
    keys = sorted((key for key in REFERENCES if key in text), key=text.index)
    for number, key in enumerate(keys, 1):
        text = text.replace(key, str(number))
    return text, keys


def params_of(manifest: Mapping[str, Any], rule: str) -> list[dict[str, Any]]:
    """Parameters of all jobs of a rule, whose name may have the prefix of another workflow."""
    return [job["params"] for job in manifest["jobs"] if job["rule"].endswith(rule)]


def as_bibtex(keys: Sequence[str]) -> str:
    """The references as BibTeX entries of type misc, whose title is the whole reference."""
    entries = []
    for key in keys:
        text, doi = REFERENCES[key]
        lines = [f"  note = {{{text}}}"] + ([f"  doi = {{{doi}}}"] if doi else [])
        entries.append(f"@misc{{{key},\n" + ",\n".join(lines) + "\n}\n")
    return "\n".join(entries)


def _cleaning(alignment: Mapping[str, Any]) -> list[str]:
    outliers = f", or outside {alignment['iqr_factor']:g} interquartile ranges of its coordinate"
    sentences = [
        "A position was taken as missing if its likelihood was below "
        f"{alignment['pose_confidence']:g}{outliers if alignment['robust'] else ''}; gaps of up to "
        f"{alignment['max_gap_seconds']:g} s were interpolated linearly, and frames with longer "
        "gaps were left out."
    ]
    if alignment["savgol_filter"]:
        sentences.append(
            f"Series were smoothed by a Savitzky-Golay filter [savitzky1964] of "
            f"{alignment['savgol_length']} frames and order {alignment['savgol_order']}."
        )
    unit = ", in body lengths" if alignment["scale"] == "body_length" else ""
    motion = [name.replace("_", " ") for name in alignment["motion_features"] if name != "height"]
    added = f"; {', '.join(motion)} were added as features" if motion else ""
    sentences.append(
        f"Poses were expressed in the animal's own frame of reference, with {alignment['center']} "
        f"at the origin and {alignment['orient']} on the x axis{unit}{added}."
    )
    return sentences


def _training(
    settings: Mapping[str, Any], training: Mapping[str, Any], split: Mapping[str, Any]
) -> list[str]:
    sentences = [
        SCALINGS[split["scaling"]],
        "A recurrent variational autoencoder (VAME [luxem2022]) encoded windows of "
        f"{settings['time_window']} frames as {settings['zdims']} latents, by bidirectional GRUs "
        f"of {settings['hidden_size_layer_1']} units. It was trained with Adam for "
        f"{training['epochs']:.0f} epochs on batches of {settings['batch_size']} windows; the "
        "epoch with the lowest held-out loss was kept.",
        f"{split['test_fraction']:.0%} of the frames were held out. On these, the reconstruction "
        f"explained {training['r2_reconstruction']:.0%} of the variance (as many principal "
        f"components: {training['r2_pca_reconstruction']:.0%}).",
    ]
    if settings["prediction_decoder"]:
        sentences[-1] = (
            f"{sentences[-1][:-1]}, and the prediction of the next {settings['prediction_steps']} "
            f"frames {training['r2_future']:.0%}."
        )
    return sentences


def _comparisons(groups: int, within: Sequence[str], factors: Sequence[str]) -> list[str]:
    rates = "with false discovery rates after Benjamini and Hochberg [benjamini1995]."
    sentences = []
    if groups >= 2:
        blocks = f" within blocks of equal {listed(factors)}" if factors else ""
        sentences.append(f"Groups were compared by permutation tests over animals{blocks}, {rates}")
    if within:
        sentences.append(
            f"{listed(within).capitalize()} were compared within animals by sign-flip permutation "
            f"tests, {rates}"
        )
    return sentences


def _motifs(segmentation: str, motifs: Mapping[str, Any]) -> list[str]:
    algorithm, _, number = segmentation.partition("-")
    way = {"kmeans": "k-means", "hmm": "a Gaussian hidden Markov model"}[algorithm]
    pooled = ""
    if motifs["pooling_seconds"]:
        lengths = " and ".join(f"{length:g}" for length in motifs["pooling_seconds"])
        pooled = (
            f"Latents were pooled over {lengths} s around each frame (mean, and logarithms of "
            "standard deviation and mean absolute change). "
        )
    one = "a motif found" if number == "auto" else f"one of {number} motifs found"
    sentence = f"{pooled}Each frame was assigned to {one} by {way} [pedregosa2011]"
    if algorithm == "kmeans" and motifs["expected_bout_seconds"]:
        sentence += (
            f", whose labels minimise the squared distance to the centres plus a cost for each "
            f"change (expected bout: {motifs['expected_bout_seconds']:g} s)"
        )
    sentences = [f"{sentence}."]
    if number == "auto":
        sentences.append(
            "The number of motifs was chosen by held-out fit and agreement between refits."
        )
    return sentences
