"""Limits that tables, figures and the report share: what is too few to say anything."""

CONFIDENCE = 0.95
"""Of all intervals."""

FALSE_DISCOVERY_RATE = 0.05
"""A difference between groups is named where its q-value is at most this."""

FEWEST_ANIMALS = 4
"""Per group, for a comparison of groups to find a difference: with four against four, two of 70
ways to share the animals out are as extreme, so p is 0.03 at least; with three against three, 0.1."""

FEWEST_SESSIONS = 6
"""Held out, for an interval over sessions: with n sessions, all of them favour the same model by
chance with probability 2 · 2⁻ⁿ, which is 6% for five."""
