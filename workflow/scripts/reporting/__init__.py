"""A run as a whole: models compared, the run in words, manifests verified, an archive, orphans."""
