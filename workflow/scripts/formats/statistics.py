"""Limits shared by tables, figures and the report: the least data for a statement."""

CONFIDENCE = 0.95
"""Confidence level of all intervals."""

FALSE_DISCOVERY_RATE = 0.05
"""Differences between groups are reported if their q-value is at most this."""

FEWEST_ANIMALS = 4
"""Animals per group that a comparison of groups needs to find a difference.

The smallest p of a two-sided permutation test is 2 / C(2n, n) with n animals in each of two groups:
0.1 for three, 0.03 for four.
"""

FEWEST_SESSIONS = 6
"""Sessions required for an interval over sessions.

With n sessions, all of them favour the same of two models by chance with probability 2 · 2⁻ⁿ: 6 %
for five. From six on, a 95% interval can exclude zero at its nominal level.
"""
