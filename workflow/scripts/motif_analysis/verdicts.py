"""Criteria for good, doubtful and bad values, and advice: rules of thumb, as the report states."""

GOOD, DOUBTFUL, BAD, UNKNOWN = "good", "doubtful", "bad", "unknown"


def _above_chance(v, to):
    return v > to.chance_high


def _above_both(v, to):
    return v > max(to.baseline, to.chance_high)


def _better_than_pca(v, to):
    return v > to.chance_high and to.lead_low > 0


# Conditions for a good and for a doubtful value, given the value it is compared with; otherwise
# the value is bad. The bounds are rules of thumb, and the report says so.
VERDICTS = {
    "r2_reconstruction": (  # a VAE's prior reduces it: up to 0.2 below PCA is good
        lambda v, to: v > 0.5 and v >= to.baseline - 0.2,
        lambda v, to: v >= 0.2,
    ),
    "r2_future": (lambda v, to: v - to.baseline > 0.05, lambda v, to: v > to.baseline),
    "active_latents": (lambda v, to: v >= 3, lambda v, to: v > 1),
    "posterior_variance": (lambda v, to: v < 0.5, lambda v, to: v < 0.9),
    "seed_agreement": (lambda v, to: v >= 0.6, lambda v, to: v >= 0.3),
    "kept_motifs": (lambda v, to: v >= 0.8, lambda v, to: v >= 0.5),
    "bout_seconds": (lambda v, to: v > to.high, lambda v, to: v > to.low),
    "short_bouts": (lambda v, to: v <= 0.05, lambda v, to: v <= 0.25),
    "nmi": (_better_than_pca, _above_chance),
    "ami": (_above_both, _above_chance),
    "homogeneity": (_above_both, _above_chance),
    "purity": (_better_than_pca, _above_chance),
    "probe_f1": (_better_than_pca, _above_chance),
    "session_nmi": (lambda v, to: v < 0.05, lambda v, to: v < 0.15),
}
AUTOENCODER = 0.01
"""Posterior variance below which a variational autoencoder is an autoencoder."""
OF_LABELS = {
    "nmi": "normalised mutual information of motifs and labels",
    "ami": "adjusted mutual information of motifs and labels",
    "homogeneity": "homogeneity of motifs in labels",
    "purity": "purity of motifs in labels",
    "probe_f1": "macro F1 of a linear probe from latents to the labels of held-out sessions",
}

ADVICE = {
    "r2_reconstruction": {
        BAD: "Reconstruction is poor: train longer (max_epochs, model_convergence) or lower beta.",
        DOUBTFUL: "Reconstruction could be better: train longer (max_epochs), increase zdims, "
        "or lower beta.",
    },
    "r2_future": {
        BAD: "The model does not predict the future: train longer, or lengthen time_window.",
        DOUBTFUL: "The prediction is little better than repeating the last frame: train longer.",
    },
    "active_latents": {
        BAD: "The latents have collapsed: lower beta, or raise annealtime.",
        DOUBTFUL: "Few latents are active: lower beta, or raise annealtime.",
    },
    "posterior_variance": {
        BAD: "Latents carry no information beyond the prior: lower beta, or set softplus: false.",
        DOUBTFUL: "Latents are imprecise: lower beta.",
    },
    "seed_agreement": {
        UNKNOWN: "Train with seeds: [0, 1, 2], to see which motifs are reproducible.",
        BAD: "Other seeds find other motifs: lower n_motifs, train longer, or add recordings, and "
        "trust only motifs that all seeds find.",
        DOUBTFUL: "Some motifs are not found with other seeds: lower n_motifs, or train longer.",
    },
    "bout_seconds": {
        BAD: "Bouts are no longer than by chance, so motifs do not follow behaviour: check the "
        "quality of the poses first, then try longer pooling_seconds or motifs: [hmm].",
        DOUBTFUL: "Bouts are little longer than by chance: try longer pooling_seconds.",
    },
    "short_bouts": {
        BAD: "Motifs change too often: raise expected_bout_seconds.",
        DOUBTFUL: "Many bouts last one or two frames: raise expected_bout_seconds.",
    },
    "kept_motifs": {
        BAD: "Most frames have another motif than in reference_segmenters: do not compare motifs "
        "by their numbers."
    },
    "used_motifs": {DOUBTFUL: "Motifs are used very unevenly: another n_motifs may fit better."},
    "nmi": {
        BAD: "Motifs and labels are unrelated: check that the labels belong to these recordings "
        "and start with their first frame.",
        DOUBTFUL: "Motifs are no more informative about the labels than PCA: try other "
        "pooling_seconds, another zdims, or more recordings. Motifs that are finer than labels are "
        "not an error (see homogeneity).",
    },
    "session_nmi": {
        BAD: "Motifs tell sessions apart: check that body_length, frame rate and camera are alike "
        "before you compare groups.",
        DOUBTFUL: "Motifs tell sessions apart to some degree: compare groups by animals only.",
    },
    "different_motifs": {UNKNOWN: "Record more animals: groups this small cannot be compared."},
}
