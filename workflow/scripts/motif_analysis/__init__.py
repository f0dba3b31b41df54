"""Find motifs in latents, tabulate their usage, and measure how reliable they are.

A motif of -1 means none: no window with that centre is usable. Motifs are numbered by falling usage
over the sessions that the segmenter was fitted on.
"""
