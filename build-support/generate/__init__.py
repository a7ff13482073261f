"""Writes what stands in the repository and follows from the tier manifests: Dockerfiles and the README's table."""
