"""A run in words: what was trained on, how good it is, what was found, what to watch out for."""
