"""Manifests of exports and the description of a dataset, as far as the report needs them."""

ALIGNMENT = {
    "pose_confidence": 0.9,
    "robust": True,
    "iqr_factor": 4.0,
    "max_gap_seconds": 0.25,
    "savgol_filter": True,
    "savgol_length": 5,
    "savgol_order": 2,
    "scale": "body_length",
    "motion_features": ["forward_speed", "height", "turning"],
    "center": "tail",
    "orient": "nose",
}
NETWORK = {"time_window": 30, "zdims": 20, "hidden_size_layer_1": 256, "batch_size": 64}
NETWORK |= {"prediction_decoder": True, "prediction_steps": 15}
DATASET = {
    "features": ["nose_x", "left_ear_x", "left_ear_y", "speed"],
    "scalars": ["speed"],
    "fps": {"a": 30.0, "b": 30.0},
    "sessions": ["a", "b"],
    "segments": [
        {"session": "a", "side": "train", "start": 0, "stop": 1800, "first_frame": 0},
        {"session": "b", "side": "train", "start": 1800, "stop": 5400, "first_frame": 0},
        {"session": "b", "side": "test", "start": 0, "stop": 900, "first_frame": 4000},
    ],
}


def make_manifest(tool="SLEAP", alignment=None, network=None, scaling="coordinates"):
    split = {"test_fraction": 0.2, "scaling": scaling}
    return {
        "settings": NETWORK | (network or {}),
        "software": {"0": {"python": "3.11.7", "snakemake": "9.27.1"}, "1": {"torch": "2.13.0"}},
        "jobs": [
            {"rule": "import_poses", "params": {"recording": {"software": tool}}},
            {"rule": "align_poses", "params": {"settings": ALIGNMENT | (alignment or {})}},
            {"rule": "split_dataset", "params": {"settings": split}},
        ],
    }
