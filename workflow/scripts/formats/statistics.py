"""Limits shared by tables, figures and the report: the least data for a statement."""

AUTOENCODER = 0.01
"""Posterior variance below which a variational autoencoder is an autoencoder."""

CONFIDENCE = 0.95
"""Confidence level of all intervals."""

FALSE_DISCOVERY_RATE = 0.05
"""Differences between groups are reported if their q-value is at most this."""

FEWEST_ANIMALS = 4
"""Animals per group that a comparison of groups needs to find a difference.

The smallest p of a two-sided permutation test is 2 / C(2n, n) with n animals in each of two groups:
0.1 for three, 0.03 for four.
"""

FEWEST_PAIRS = 6
"""Animals in both of two groups, conditions or time bins, for a comparison within animals.

The smallest p of a two-sided sign-flip test is 2 · 2⁻ⁿ with n animals: 0.06 for five, 0.03 for six.
"""

FEWEST_WAYS = 40
"""To assign animals to groups, for a two-sided test of all ways to have a p of 0.05 or less."""

FEWEST_SESSIONS = 6
"""Sessions required for an interval over sessions.

With n sessions, all of them favour the same of two models by chance with probability 2 · 2⁻ⁿ: 6 %
for five. From six on, a 95% interval can exclude zero at its nominal level.
"""

UNFAMILIAR_SHARE = 0.05
"""Of the windows of a recording that a model knows, at most so many are reconstructed poorly.

Poorly: with an error beyond the 99th percentile of the training windows, so that 1 % is expected.
"""


def unfamiliar_limit(held_out_share: float) -> float:
    """Share of poorly reconstructed windows above which a model does not know a recording.

    A model that overfits reconstructs its own held-out windows poorly, too, and other recordings
    like them: twice their share is the limit where that is more than `UNFAMILIAR_SHARE`.
    """
    return max(UNFAMILIAR_SHARE, 2 * held_out_share)
