"""A run as a whole: comparison of models, summary, verification of manifests, archive, orphans."""
