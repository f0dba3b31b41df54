"""Figures of recordings, models and motifs: tables and arrays in, figures and small films out."""
