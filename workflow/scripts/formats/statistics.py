"""Limits that tables, figures and the report share: what is too few to say anything."""

CONFIDENCE = 0.95
"""Of all intervals."""

FALSE_DISCOVERY_RATE = 0.05
"""A difference between groups is named where its q-value is at most this."""

FEWEST_ANIMALS = 4
"""Per group, for a comparison of groups to find a difference.

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
"""Sessions needed for an interval over sessions.

With n sessions, all of them favour the same of two models by chance with probability 2 · 2⁻ⁿ: 6 %
for five. From six on, an interval of 95 % can exclude zero without claiming more than there is.
"""
