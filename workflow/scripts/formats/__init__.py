"""The files that stages exchange: one reader and one writer each.

Modules that `vame_core` uses need only numpy; tables and motifs need pandas as well.
"""
