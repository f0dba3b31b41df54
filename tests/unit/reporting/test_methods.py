import pytest
from manifests import make_manifest
from reporting.methods import REFERENCES, as_bibtex, methods_of

TRAINING = {
    "epochs": 12,
    "r2_reconstruction": 0.92,
    "r2_pca_reconstruction": 0.9,
    "r2_future": 0.4,
}
MOTIFS = {"pooling_seconds": [0.5, 2], "expected_bout_seconds": 0.5}


def write(
    *,
    tool="SLEAP",
    segmentation="kmeans-15",
    motifs=MOTIFS,
    groups=2,
    within=(),
    alignment=None,
    scaling="coordinates",
    **network,
):
    manifest = make_manifest(tool, alignment, network, scaling)
    data = "3 recordings at 30 frames per second."
    return methods_of(manifest, data, TRAINING, segmentation, motifs, groups, within)


def test_the_paragraph_has_the_numbers_of_the_run():
    text, _ = write()
    for part in (
        "Poses were tracked with SLEAP [1]. 3 recordings at 30 frames per second.",
        "likelihood was below 0.9, or outside 4 interquartile ranges",
        "with tail at the origin and nose on the x axis, in body lengths; forward speed, turning",
        "windows of 30 frames as 20 latents, by bidirectional GRUs of 256 units",
        "for 12 epochs on batches of 64 windows",
        "explained 92% of the variance (as many principal components: 90%), and the prediction of "
        "the next 15 frames 40%.",
        "pooled over 0.5 and 2 s",
        "one of 15 motifs found by k-means",
        "(expected bout: 0.5 s)",
        "PyTorch 2.13.0",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("scaling", "part"),
    [
        ("coordinates", "divided by one common standard deviation, and other features by their"),
        ("per_feature", "Each feature was scaled to mean 0 and standard deviation 1."),
        ("scalar", "scaled by one common mean and standard deviation."),
    ],
)
def test_the_paragraph_says_how_features_were_scaled(scaling, part):
    assert part in write(scaling=scaling)[0]


def test_comparisons_are_described_with_blocks_and_pairs():
    text, keys = write(motifs=MOTIFS | {"factors": ["sex", "batch"]}, within=["conditions"])
    assert "over animals within blocks of equal sex and batch, with false discovery" in text
    assert "Conditions were compared within animals by sign-flip permutation tests" in text
    text, keys = write(groups=0, within=["groups", "time bins"])
    assert "Groups and time bins were compared within animals" in text
    assert "over animals" not in text
    assert "benjamini1995" in keys


def test_steps_that_were_not_done_are_not_described():
    single = {"pooling_seconds": [], "expected_bout_seconds": 0}
    changes = {"savgol_filter": False, "robust": False, "scale": "none", "motion_features": []}
    text, keys = write(
        segmentation="hmm-auto",
        motifs=single,
        groups=1,
        alignment=changes,
        prediction_decoder=False,
    )
    for word in ("Savitzky", "interquartile", "body lengths", "added", "pooled", "Groups", "bout"):
        assert word not in text
    assert "prediction" not in text
    assert "a motif found by a Gaussian hidden Markov model" in text
    assert "The number of motifs was chosen by held-out fit" in text
    assert not {"savitzky1964", "benjamini1995"} & set(keys)


def test_citations_are_numbered_in_the_order_of_the_references():
    text, keys = write()
    assert keys[0] == "pereira2022"
    assert set(keys) <= REFERENCES.keys()
    assert not [key for key in REFERENCES if key in text]
    assert f"VAME [{keys.index('luxem2022') + 1}]" in text


@pytest.mark.parametrize("tool", ["DeepLabCut", "SLEAP", "LightningPose", "Anipose", "NWB"])
def test_the_pose_tool_is_cited_if_it_has_a_paper(tool):
    text, _ = write(tool=tool)
    assert text.startswith(f"Poses were tracked with {tool}{'' if tool == 'NWB' else ' [1]'}.")


def test_references_are_bibtex():
    text = as_bibtex(["luxem2022", "paszke2019"])
    assert text.startswith("@misc{luxem2022,\n  note = {Luxem K.")
    assert "doi = {10.1038/s42003-022-04080-7}" in text
    assert text.count("@misc") == 2
