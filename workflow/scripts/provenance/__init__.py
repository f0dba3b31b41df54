"""Whether files are still what the manifests say that they were made as."""
