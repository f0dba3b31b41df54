"""The files that stages hand over: one reader and one writer each.

Modules that `vame_core` uses need numpy alone; tables and motifs need pandas as well.
"""
