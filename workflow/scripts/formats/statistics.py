"""Thresholds that statistics of more than one stage share."""

CONFIDENCE = 0.95
"""Level of every interval."""

FALSE_DISCOVERIES = 0.05
"""A difference between groups is reported where its q-value is at most this."""

FEWEST_SESSIONS = 6
"""Sessions needed for an interval over sessions.

With n sessions, all of them favour the same of two models by chance with probability 2 · 2⁻ⁿ: 6 %
for five. From six on, an interval of 95 % can exclude zero without claiming more than there is.
"""
