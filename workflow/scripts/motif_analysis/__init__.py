"""Find motifs in latents, tabulate their usage, and measure their reliability.

A motif of -1 means none: no window with that centre is usable. Motifs are numbered by decreasing
usage over the sessions that the segmenter was fitted on.
"""
