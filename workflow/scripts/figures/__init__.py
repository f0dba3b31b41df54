"""Figures of a trained model: tables and arrays in, matplotlib figures out."""
