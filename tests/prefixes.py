"""Keypoints of each animal by prefixes: one table for tests of both readers of names."""

PREFIXES = {  # prefixes, keypoints, expected keypoints by animal
    "one keypoint each": (["B_", "W_"], ["B_nose", "W_nose"], {"B": ["nose"], "W": ["nose"]}),
    "a keypoint of no animal": (
        ["B_", "W_"],
        ["B_nose", "lamp", "W_ear"],
        {"B": ["nose"], "W": ["ear"]},
    ),
    "a prefix with one more digit": (
        ["m1", "m10"],
        ["m1nose", "m10nose", "m1ear", "m10ear"],
        {"m1": ["nose", "ear"], "m10": ["nose", "ear"]},
    ),
    "the longer prefix first": (
        ["m10", "m1"],
        ["m1nose", "m10nose"],
        {"m10": ["nose"], "m1": ["nose"]},
    ),
    "three nested prefixes": (
        ["m", "m1", "m1_a_"],
        ["mnose", "m1nose", "m1_a_nose"],
        {"m": ["nose"], "m1": ["nose"], "m1_a": ["nose"]},
    ),
    "only the longer prefix": (["m", "m1_"], ["m1_nose", "m1_ear"], {"m1": ["nose", "ear"]}),
    "a name that is only a prefix": (["B_", "W_"], ["B_", "W_nose"], {"W": ["nose"]}),
    "lower and upper case": (["B_"], ["b_nose", "B_ear"], {"B": ["ear"]}),
}
