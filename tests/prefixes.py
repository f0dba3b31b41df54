"""Which keypoints belong to which animal by prefixes: one table for both readers of names."""

PREFIXES = {  # prefixes, keypoints: by animal its keypoints
    "one each": (["B_", "W_"], ["B_nose", "W_nose"], {"B": ["nose"], "W": ["nose"]}),
    "of no animal": (["B_", "W_"], ["B_nose", "lamp", "W_ear"], {"B": ["nose"], "W": ["ear"]}),
    "a digit more": (
        ["m1", "m10"],
        ["m1nose", "m10nose", "m1ear", "m10ear"],
        {"m1": ["nose", "ear"], "m10": ["nose", "ear"]},
    ),
    "the longer one first": (
        ["m10", "m1"],
        ["m1nose", "m10nose"],
        {"m10": ["nose"], "m1": ["nose"]},
    ),
    "three deep": (
        ["m", "m1", "m1_a_"],
        ["mnose", "m1nose", "m1_a_nose"],
        {"m": ["nose"], "m1": ["nose"], "m1_a": ["nose"]},
    ),
    "only the longer one": (["m", "m1_"], ["m1_nose", "m1_ear"], {"m1": ["nose", "ear"]}),
    "nothing but a prefix": (["B_", "W_"], ["B_", "W_nose"], {"W": ["nose"]}),
    "other letters": (["B_"], ["b_nose", "B_ear"], {"B": ["ear"]}),
}
