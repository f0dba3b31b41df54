"""An edit reruns the steps that it makes stale, and no others."""

import pytest
import yaml
from projects import CONFIG

TRAIN = {"train_model", "evaluate_model", "export_checkpoint", "plot_losses"} | {
    "plot_reconstructions"
}
SPLIT = {"split_dataset"} | TRAIN
QUALITY = {"inspect_poses", "check_poses", "plot_quality"}


@pytest.mark.parametrize(
    ("settings", "rules"),
    [
        ({}, set()),
        ({"figure_dpi": 100}, {"plot_losses", "plot_quality", "plot_reconstructions"}),
        ({"example_windows": 2}, {"evaluate_model", "plot_losses", "plot_reconstructions"}),
        ({"kl_start": 2}, TRAIN),
        ({"models": {**CONFIG["models"], "vame": {"learning_rate": 0.002}}}, TRAIN),
        ({"test_fraction": 0.25}, SPLIT),
        ({"pose_confidence": 0.5}, {"align_poses"} | QUALITY | SPLIT),
        ({"resample_fps": 20}, {"align_poses", "check_poses"} | SPLIT),
        ({"min_usable_share": 0.1}, QUALITY),
        ({"extra_features": []}, {"import_poses", "align_poses"} | QUALITY | SPLIT),
        ({"learning_rate": 0.001, "beta": 1.0, "noise": 0}, set()),
        ({"learning_rate": "1e-3", "max_epochs": "4"}, set()),
    ],
    ids=str,
)
def test_an_edit_reruns_what_uses_it(finished_once, settings, rules):
    try:
        finished_once.write_config(**settings)
        assert finished_once.stale_rules() == rules
    finally:
        finished_once.write_config()


def test_the_order_of_keys_and_comments_rerun_nothing(finished):
    path = finished / "config/config.yaml"
    settings = yaml.safe_load(path.read_text())
    path.write_text("# a comment\n" + yaml.safe_dump(dict(reversed(settings.items()))))
    assert finished.stale_rules() == set()
