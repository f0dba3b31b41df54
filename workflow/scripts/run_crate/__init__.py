"""A finished run as one archive that says what it is, an RO-Crate."""
