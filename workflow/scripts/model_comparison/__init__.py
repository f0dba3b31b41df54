"""Trained models beside each other: tables in, tables, intervals and a choice out."""
