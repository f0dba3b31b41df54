"""From latents to motifs, tables of their use, and numbers that say whether to believe them.

A motif of -1 stands for none: no window with that centre is usable. Motifs are numbered in order of
falling use over the sessions that the segmenter was fitted on.
"""
